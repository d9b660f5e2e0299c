// How many connections there may be. What is counted here is shared by the shards: it is touched
// when a connection comes and when it goes, never by a request.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "serve/peer_address.hpp"

namespace sluiced::serve {

/// How many connections one listener, or all of them, may have on all shards together. Sockets
/// that accept and look at the same moment may each take one more.
class ConnectionLimit {
 public:
  ConnectionLimit(std::size_t most, unsigned shards) noexcept : most_(most), shards_(shards) {}

  /// Who is there already stays. Any thread.
  void set_most(std::size_t most) noexcept { most_ = most; }
  [[nodiscard]] std::size_t most() const noexcept { return most_; }

  [[nodiscard]] bool is_reached() const noexcept { return open_ >= most_; }
  /// How many more one of the shards can take if all take as many at this moment, but at least one.
  [[nodiscard]] std::size_t room() const noexcept {
    const std::size_t open = open_;
    const std::size_t most = most_;
    return open >= most ? 1 : std::max<std::size_t>(1, (most - open) / shards_);
  }
  void came() noexcept { ++open_; }
  void went() noexcept { --open_; }

 private:
  std::atomic<std::size_t> most_;
  unsigned shards_;
  std::atomic<std::size_t> open_{0};
};

/// How many connections one address may have, on all listeners and shards together. The count is
/// exact. It has an entry for each address with a connection and none for others, so its size is
/// bounded by the limits on connections. Addresses are hashed under a key that nobody can know, and
/// spread over parts with a lock each. Unix sockets are not counted: behind them is no address.
class AddressLimit {
 public:
  explicit AddressLimit(std::size_t most);
  AddressLimit(const AddressLimit&) = delete;
  AddressLimit& operator=(const AddressLimit&) = delete;

  /// Who has come, and that connection's share of its address's number; gives it back in the end.
  /// Must not outlive the limit.
  class Place {
   public:
    Place() noexcept = default;
    /// No limit: a place outside of any number.
    Place(AddressLimit* limit, PeerAddress peer) noexcept : limit_(limit), peer_(peer) {}
    Place(Place&& other) noexcept
        : limit_(std::exchange(other.limit_, nullptr)), peer_(other.peer_) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (limit_ != nullptr) {
        limit_->leave(peer_);
      }
    }
    /// A unix socket where nobody has asked.
    [[nodiscard]] const PeerAddress& peer() const noexcept { return peer_; }
    /// For one outside of any number; who is counted is known, and stays it.
    void set_peer(const PeerAddress& peer) noexcept {
      if (limit_ == nullptr) {
        peer_ = peer;
      }
    }

   private:
    AddressLimit* limit_ = nullptr;
    PeerAddress peer_;
  };
  /// Who is there already stays. Any thread.
  void set_most(std::size_t most) noexcept { most_ = most; }
  /// Nothing when the address has as many as it may. Any thread.
  [[nodiscard]] std::optional<Place> enter(const PeerAddress& peer);
  /// How many addresses have a connection.
  [[nodiscard]] std::size_t size() const;

 private:
  struct Key {
    std::uint64_t network;
    PeerAddress::Kind kind;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    std::uint64_t secret;
    [[nodiscard]] std::size_t operator()(const Key& key) const noexcept;
  };
  struct alignas(64) Part {
    mutable std::mutex mutex;
    std::unordered_map<Key, std::size_t, Hash> open;
  };
  static constexpr std::size_t kParts = 16;

  void leave(const PeerAddress& peer) noexcept;
  [[nodiscard]] Part& part_of(const Key& key) noexcept;

  std::atomic<std::size_t> most_;
  Hash hash_;
  std::array<Part, kParts> parts_;
};

}  // namespace sluiced::serve
