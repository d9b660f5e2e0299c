#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <sluice/result.hpp>

#include "files/root.hpp"
#include "http/digest_fields.hpp"

namespace sluiced::files {

/// The SHA-256 of an open file, computed piece by piece.
class Sha256OfFile {
 public:
  explicit Sha256OfFile(SharedFile file);
  ~Sha256OfFile();
  Sha256OfFile(const Sha256OfFile&) = delete;
  Sha256OfFile& operator=(const Sha256OfFile&) = delete;

  /// Has the library read what it needs, once for the process: later it may not be readable.
  static void prepare() noexcept;

  /// Takes in up to `most_bytes` more, and tells whether that was the last of the file as long as
  /// it was when it was opened. Blocks: for a thread of the blocking pool. EIO when the file ends
  /// early, ENOMEM when there is no room for the computation.
  [[nodiscard]] sluice::Result<bool> take_in(std::size_t most_bytes);
  /// The digest; once, after take_in() has told of the end. ESTALE when the file is not what it was
  /// when it was opened any more: nobody knows then of what this is the digest.
  [[nodiscard]] sluice::Result<http::Sha256Digest> finish();

 private:
  struct Context;
  SharedFile file_;
  std::unique_ptr<Context> context_;
  std::uint64_t offset_ = 0;
};

}  // namespace sluiced::files
