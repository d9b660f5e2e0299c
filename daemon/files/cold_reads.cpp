#include "files/cold_reads.hpp"

#include <unistd.h>

#include <algorithm>

#include <sluice/sync.hpp>

namespace sluiced::files {
namespace {

// Beyond some hundred reads at once no disk becomes faster.
constexpr std::size_t kLocalPlaces = 128;
constexpr std::size_t kPlacesOfLocalFileSystem = 96;
// How much is begun in a turn: so many operations, each of which takes some 15 us of this thread.
// To begin reading ahead takes as long as two or more.
constexpr std::size_t kBegunInTurn = 8;
constexpr std::size_t kShareOfReadAhead = 2;

}  // namespace

ColdReads::ColdReads(sluice::Executor& executor, observe::ColdReadMetrics& metrics,
                     std::size_t remote_places)
    : executor_(executor),
      metrics_(metrics),
      remote_places_(remote_places),
      local_(kLocalPlaces),
      remote_(remote_places_),
      buffers_(kBufferBytes, kLocalPlaces + remote_places_) {}

std::size_t ColdReads::places_for_opens() noexcept {
  return static_cast<std::size_t>(std::max(::sysconf(_SC_NPROCESSORS_ONLN), 1L));
}

sluice::Semaphore& ColdReads::places_of(std::uint64_t device, bool is_remote) {
  auto& places = file_systems_[device];
  if (!places) {
    const std::size_t count =
        is_remote ? std::max<std::size_t>(remote_places_ / 2, 1) : kPlacesOfLocalFileSystem;
    places = std::make_unique<sluice::Semaphore>(count);
  }
  return *places;
}

sluice::Task<sluice::Result<sluice::SemaphorePermit>> ColdReads::acquire(
    sluice::Semaphore& places) {
  if (auto permit = places.try_acquire(); permit) {
    co_return std::move(*permit);
  }
  metrics_.queued.add();
  co_return co_await places.acquire();
}

// That of the file system first: those that wait for one that hangs take nothing from the others.
sluice::Task<sluice::Result<ColdReads::Place>> ColdReads::enter(std::uint64_t device,
                                                                bool is_remote,
                                                                Beginning beginning) {
  auto of_file_system = co_await acquire(places_of(device, is_remote));
  if (!of_file_system) {
    co_return std::unexpected(of_file_system.error());
  }
  auto of_kind = co_await acquire(is_remote ? remote_ : local_);
  if (!of_kind) {
    co_return std::unexpected(of_kind.error());
  }
  while (!may_begin_in_this_turn(beginning)) {
    co_await sluice::yield();
  }
  co_return Place(std::move(*of_file_system), std::move(*of_kind), metrics_.waiting);
}

bool ColdReads::may_begin_in_this_turn(Beginning beginning) noexcept {
  const std::uint64_t turn = executor_.metrics().turns.value();
  if (turn != turn_) {
    turn_ = turn;
    begun_in_turn_ = 0;
  }
  const std::size_t share = beginning == Beginning::read_ahead ? kShareOfReadAhead : 1;
  if (begun_in_turn_ + share > kBegunInTurn) {
    return false;
  }
  begun_in_turn_ += share;
  return true;
}

}  // namespace sluiced::files
