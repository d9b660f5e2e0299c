// How large the rings of a configuration are made.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include <sluice/kernel_ring.hpp>
#include <sluice/ring.hpp>

#include "config/config.hpp"

namespace sluiced::service {

/// Of the thread that takes signals and serves the admin listener.
inline constexpr unsigned kControlRingEntries = 256;

/// The operations that the daemon asks rings for. They are made so that the kernel refuses all
/// others, and every registration but the next.
inline constexpr std::array kOperationsInUse{
    sluice::Opcode::accept,   sluice::Opcode::receive,     sluice::Opcode::send,
    sluice::Opcode::sendmsg,  sluice::Opcode::read,        sluice::Opcode::write,
    sluice::Opcode::openat2,  sluice::Opcode::statx,       sluice::Opcode::close,
    sluice::Opcode::poll_add, sluice::Opcode::async_cancel};

/// Idle connections receive into buffers that they share.
inline constexpr std::array kRegistrationsInUse{sluice::Registration::buffer_rings};

/// The share of a shard in the connections that the listeners may have, rounded up.
[[nodiscard]] std::size_t connections_per_shard(const std::vector<config::Listener>& listeners,
                                                unsigned shard_count) noexcept;

/// Of the ring of each shard.
[[nodiscard]] sluice::RingOptions ring_options(const config::Config& config,
                                               unsigned shard_count) noexcept;
/// Of the ring beside them.
[[nodiscard]] sluice::RingOptions control_ring_options() noexcept;

/// How many connections a ring of this size is enough for.
[[nodiscard]] std::size_t connections_of(unsigned completion_entries) noexcept;

}  // namespace sluiced::service
