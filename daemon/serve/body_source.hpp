#pragma once

#include <string_view>

#include <sluice/result.hpp>
#include <sluice/task.hpp>

namespace sluiced::serve {

/// Content that is made while it is sent, of a length that nobody knows when it begins: the listing
/// of a large directory, an archive. The connection pulls it piece by piece, each when the client
/// has taken the one before, so that no more of it is held than one piece.
///
/// Owned by the response. It may be destroyed between two pieces, when the client has gone.
class BodySource {
 public:
  BodySource() = default;
  BodySource(const BodySource&) = delete;
  BodySource& operator=(const BodySource&) = delete;
  virtual ~BodySource() = default;

  /// The next piece, good until the next call; an empty one is the end. An error: the content
  /// cannot be completed, and the connection is closed so that the client sees that it was not.
  [[nodiscard]] virtual sluice::Task<sluice::Result<std::string_view>> next() = 0;
};

}  // namespace sluiced::serve
