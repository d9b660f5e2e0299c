#include "serve/digest_cache.hpp"

#include <algorithm>
#include <utility>

#include "files/sha256.hpp"

namespace sluiced::serve {
namespace {

// What one call on the blocking pool hashes: some milliseconds.
constexpr std::size_t kPieceBytes = std::size_t{4} * 1024 * 1024;

}  // namespace

DigestCache::Key DigestCache::key_of(const sluice::FileStatus& status) noexcept {
  return {status.device, status.inode, status.size_bytes, status.modified_s, status.modified_ns};
}

std::size_t DigestCache::slot_of(const Key& key) noexcept {
  constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;  // 2^64 by the golden ratio
  std::uint64_t mixed = 0;
  for (const std::uint64_t part :
       {key.device, key.inode, key.size_bytes, static_cast<std::uint64_t>(key.modified_s),
        std::uint64_t{key.modified_ns}}) {
    mixed = (mixed ^ part) * kSpread;
  }
  return static_cast<std::size_t>((mixed >> 32) % kSlots);
}

const http::Sha256Digest* DigestCache::find(const sluice::FileStatus& status) const noexcept {
  if (slots_.empty()) {
    return nullptr;
  }
  const Key key = key_of(status);
  const Slot& slot = slots_[slot_of(key)];
  return slot.key == key ? &slot.digest : nullptr;
}

void DigestCache::keep(const Key& key, const http::Sha256Digest& digest) {
  if (slots_.empty()) {
    slots_.resize(kSlots);
  }
  slots_[slot_of(key)] = {key, digest};
}

sluice::Task<std::optional<http::Sha256Digest>> DigestCache::hash(files::SharedFile file) {
  files::Sha256OfFile hash(std::move(file));
  while (true) {
    const auto is_whole = co_await pool_.run([&hash] { return hash.take_in(kPieceBytes); });
    if (!is_whole || !*is_whole) {
      co_return std::nullopt;
    }
    if (**is_whole) {
      break;
    }
  }
  const auto digest = hash.finish();
  co_return digest ? std::optional(*digest) : std::nullopt;
}

sluice::Task<std::optional<http::Sha256Digest>> DigestCache::compute(files::SharedFile file,
                                                                     http::FileTime now) {
  const Key key = key_of(file->status);
  const auto same = std::ranges::find(under_way_, key, [](const auto& each) { return each->key; });
  if (same != under_way_.end()) {
    // A share of its own: the one in the list goes when the computation ends, which is before this
    // resumes.
    std::shared_ptr<Computation> computation;
    computation = *same;
    static_cast<void>(co_await computation->done.wait());
    co_return computation->digest;
  }
  const auto computation = std::make_shared<Computation>();
  computation->key = key;
  under_way_.push_back(computation);
  computation->digest = co_await hash(std::move(file));
  std::erase(under_way_, computation);
  if (computation->digest) {
    metrics_.digests_computed.add();
    if (http::FileTime{key.modified_s + 1, key.modified_ns} <= now) {
      keep(key, *computation->digest);
    }
  }
  computation->done.set();
  co_return computation->digest;
}

}  // namespace sluiced::serve
