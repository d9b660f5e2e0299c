#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <sluice/blocking_pool.hpp>
#include <sluice/file.hpp>
#include <sluice/sync.hpp>
#include <sluice/task.hpp>

#include "files/root.hpp"
#include "http/digest_fields.hpp"
#include "http/entity_tag.hpp"
#include "observe/representation_metrics.hpp"

namespace sluiced::serve {

/// The SHA-256 of files, computed when a client first asks, and kept by what tells one version of a
/// file from another: device, inode, size and modification time. A file modified less than a second
/// ago may change once more without any of these changing, so its digest is sent and not kept.
///
/// A bounded number is kept: a digest takes the place of another whose file falls into the same
/// slot. Belongs to one shard.
class DigestCache {
 public:
  static constexpr std::size_t kSlots = 4096;

  /// Both must outlive the cache.
  DigestCache(sluice::BlockingPool& pool, observe::RepresentationMetrics& metrics) noexcept
      : pool_(pool), metrics_(metrics) {}

  [[nodiscard]] const http::Sha256Digest* find(const sluice::FileStatus& status) const noexcept;

  /// The digest of a file; nothing if it has changed meanwhile or cannot be read. Who asks for what
  /// another request has being computed waits for that. Computed in pieces, so that a long file
  /// leaves the threads of the pool to others in between.
  [[nodiscard]] sluice::Task<std::optional<http::Sha256Digest>> compute(files::SharedFile file,
                                                                        http::FileTime now);

 private:
  struct Key {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    std::int64_t modified_s = 0;
    std::uint32_t modified_ns = 0;

    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Slot {
    std::optional<Key> key;
    http::Sha256Digest digest;
  };
  struct Computation {
    Key key;
    sluice::Event done;
    std::optional<http::Sha256Digest> digest;
  };
  [[nodiscard]] static Key key_of(const sluice::FileStatus& status) noexcept;
  [[nodiscard]] static std::size_t slot_of(const Key& key) noexcept;
  [[nodiscard]] sluice::Task<std::optional<http::Sha256Digest>> hash(files::SharedFile file);
  void keep(const Key& key, const http::Sha256Digest& digest);

  sluice::BlockingPool& pool_;
  observe::RepresentationMetrics& metrics_;
  std::vector<Slot> slots_;                              // none before the first digest is kept
  std::vector<std::shared_ptr<Computation>> under_way_;  // as many as requests wait for one
};

}  // namespace sluiced::serve
