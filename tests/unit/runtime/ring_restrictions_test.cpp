#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <gtest/gtest.h>

#include <sluice/kernel_ring.hpp>
#include <sluice/path_requests.hpp>
#include <sluice/shard.hpp>
#include <sluice/socket_requests.hpp>
#include <sluice/unique_fd.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

constexpr std::array kNopAlone{Opcode::nop};
constexpr std::array kForFiles{Opcode::openat2, Opcode::close, Opcode::nop};

RingOptions restricted_to(std::span<const Opcode> operations,
                          std::span<const Registration> registrations = {}) {
  RingOptions options = kSmallRing;
  options.restrictions = RingRestrictions{operations, registrations};
  return options;
}

std::int32_t result_of(Ring& ring, const Submission& entry) {
  EXPECT_TRUE(ring.push(entry));
  EXPECT_EQ(ring.enter(kForever), 0);
  std::array<RingCompletion, 2> completions;
  EXPECT_EQ(ring.reap(completions), 1U);
  return completions[0].result;
}

std::int32_t open_through(Ring& ring) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  OpenRequest request(AT_FDCWD, "/", how);
  return result_of(ring, request.prepare());
}

TEST(RingRestrictions, WhatIsAllowedWorks) {
  const auto ring = make_ring(restricted_to(kForFiles));
  EXPECT_EQ(result_of(*ring, {.opcode = Opcode::nop}), 0);
  const UniqueFd opened(open_through(*ring));
  EXPECT_TRUE(opened);
}

TEST(RingRestrictions, WhatIsNotAllowedIsRefusedByTheKernel) {
  const auto ring = make_ring(restricted_to(kNopAlone));
  EXPECT_EQ(open_through(*ring), -EACCES);
  EXPECT_EQ(result_of(*ring, {.opcode = Opcode::nop}), 0) << "the ring goes on";
}

TEST(RingRestrictions, FlagsThatTheRuntimeHasNoUseForAreRefused) {
  const auto ring = make_ring(restricted_to(kNopAlone));
  constexpr std::uint8_t kLinked = 1U << 2;  // IOSQE_IO_LINK
  EXPECT_EQ(result_of(*ring, {.opcode = Opcode::nop, .flags = kLinked}), -EACCES);
  EXPECT_EQ(result_of(*ring, {.opcode = Opcode::nop, .flags = kSubmissionAsync}), 0);
}

TEST(RingRestrictions, OnlyTheRegistrationsInUseAreAllowed) {
  std::array<std::byte, 4096> memory{};
  const iovec buffer{memory.data(), memory.size()};
  const auto without = make_ring(restricted_to(kNopAlone));
  EXPECT_EQ(without->register_buffers({&buffer, 1}), -EACCES);
  EXPECT_EQ(without->register_direct_descriptors(4), -EACCES);

  constexpr std::array kBuffers{Registration::buffers};
  const auto with_buffers = make_ring(restricted_to(kNopAlone, kBuffers));
  EXPECT_EQ(with_buffers->register_buffers({&buffer, 1}), 0);
  with_buffers->unregister_buffers();
  EXPECT_EQ(with_buffers->register_buffers({&buffer, 1}), 0) << "they were let go of";
  EXPECT_EQ(with_buffers->register_direct_descriptors(4), -EACCES);

  constexpr std::array kDescriptors{Registration::direct_descriptors};
  const auto with_descriptors = make_ring(restricted_to(kNopAlone, kDescriptors));
  EXPECT_EQ(with_descriptors->register_direct_descriptors(4), 0);
  with_descriptors->close_direct_descriptor(1);
  with_descriptors->unregister_direct_descriptors();
  EXPECT_EQ(with_descriptors->register_direct_descriptors(4), 0);
  EXPECT_EQ(with_descriptors->register_buffers({&buffer, 1}), -EACCES);
}

TEST(RingRestrictions, AreKnownToWhoAsksWhatTheRingSupports) {
  const auto ring = make_ring(restricted_to(kForFiles));
  EXPECT_TRUE(ring->supports(Opcode::openat2));
  EXPECT_FALSE(ring->supports(Opcode::read));
  EXPECT_TRUE(ring->capabilities().supports(Opcode::read)) << "the kernel has it";
  EXPECT_TRUE(make_ring()->supports(Opcode::read));
}

TEST(RingRestrictions, AnOperationThatIsNoRingsIsPassedOver) {
  constexpr std::array kWithSendFile{Opcode::nop, Opcode::send_file};
  const auto ring = make_ring(restricted_to(kWithSendFile));
  EXPECT_EQ(result_of(*ring, {.opcode = Opcode::nop}), 0);
  EXPECT_FALSE(ring->supports(Opcode::send_file));
}

// A registration of the ring's descriptor that could not be undone would hold on to the ring, and
// with it to what is armed there, until the thread has ended.
TEST(RingRestrictions, ARestrictedRingIsGoneOnceItIsDestroyed) {
  constexpr std::array kReceive{Opcode::receive};
  auto ring = make_ring(restricted_to(kReceive));
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  UniqueFd near(pair[0]);
  const UniqueFd far(pair[1]);
  std::array<std::byte, 1> buffer{};
  ASSERT_TRUE(ring->push(ReceiveRequest(near.get(), buffer).prepare()));
  ASSERT_EQ(ring->enter(Duration::zero()), 0);
  ring.reset();
  near.reset();
  pollfd question{far.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&question, 1, 30'000), 1) << "the armed receive holds the other end open";
  EXPECT_NE(question.revents & POLLHUP, 0);
}

TEST(RingRestrictions, HoldForTheRingsOfShards) {
  ShardOptions options;
  options.ring = kSmallRing;
  // What shards wake each other with.
  constexpr std::array kForWaking{Opcode::read, Opcode::async_cancel};
  options.ring.restrictions = RingRestrictions{kForWaking};
  const auto shards = ShardSet::start(options);
  ASSERT_TRUE(shards) << shards.error().explanation;
  std::optional<bool> opens;
  (*shards)->post(
      0, [&opens](Shard& shard) { opens = shard.reactor().ring().supports(Opcode::openat2); });
  (*shards)->stop(true);
  (*shards)->join();
  EXPECT_EQ(opens, false);
}

}  // namespace
}  // namespace sluice::runtime_test
