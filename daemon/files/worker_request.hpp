#pragma once

#include <utility>

#include <sluice/ring.hpp>

namespace sluiced::files {

/// A request of the runtime's that is handed to a worker of the kernel's at once. The ring tries a
/// request on the shard's thread first, in a way that must not sleep; but FUSE, for one, opens a
/// file whose names are known, and begins to read ahead, by asking its process and waiting for it.
template <class Request>
struct WorkerRequest : Request {
  template <class... Arguments>
  explicit WorkerRequest(Arguments&&... arguments)
      : Request(std::forward<Arguments>(arguments)...) {}
  sluice::Submission prepare() noexcept {
    sluice::Submission entry = Request::prepare();
    entry.flags |= sluice::kSubmissionAsync;
    return entry;
  }
};

}  // namespace sluiced::files
