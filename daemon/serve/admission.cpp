#include "serve/admission.hpp"

#include <random>

namespace sluiced::serve {

std::size_t AddressLimit::Hash::operator()(const Key& key) const noexcept {
  // The finaliser of splitmix64, twice, with the secret between: who does not know the secret
  // cannot choose addresses that fall together.
  const auto mix = [](std::uint64_t value) {
    value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
    value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
    return value ^ (value >> 31U);
  };
  return mix(mix(key.network + secret) ^ (secret << 1U) ^ static_cast<std::uint64_t>(key.kind));
}

AddressLimit::AddressLimit(std::size_t most) : most_(most), hash_{} {
  std::random_device random;
  hash_.secret = (std::uint64_t{random()} << 32U) | random();
  for (Part& part : parts_) {
    part.open = std::unordered_map<Key, std::size_t, Hash>(0, hash_);
  }
}

AddressLimit::Part& AddressLimit::part_of(const Key& key) noexcept {
  // The low bits choose the bucket within the part.
  return parts_[(hash_(key) >> 48U) % kParts];
}

std::optional<AddressLimit::Place> AddressLimit::enter(const PeerAddress& peer) {
  if (peer.kind() == PeerAddress::Kind::unix_socket) {
    return Place();
  }
  const Key key{peer.network(), peer.kind()};
  Part& part = part_of(key);
  const std::scoped_lock lock(part.mutex);
  std::size_t& open = part.open[key];
  if (open >= most_) {
    return std::nullopt;
  }
  ++open;
  return Place(this, peer);
}

void AddressLimit::leave(const PeerAddress& peer) noexcept {
  const Key key{peer.network(), peer.kind()};
  Part& part = part_of(key);
  const std::scoped_lock lock(part.mutex);
  const auto found = part.open.find(key);
  if (found != part.open.end() && --found->second == 0) {
    part.open.erase(found);
  }
}

std::size_t AddressLimit::size() const {
  std::size_t total = 0;
  for (const Part& part : parts_) {
    const std::scoped_lock lock(part.mutex);
    total += part.open.size();
  }
  return total;
}

}  // namespace sluiced::serve
