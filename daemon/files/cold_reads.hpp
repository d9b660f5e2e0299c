#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include <sluice/buffer_pool.hpp>
#include <sluice/executor.hpp>
#include <sluice/semaphore.hpp>
#include <sluice/task.hpp>

#include "observe/cold_read_metrics.hpp"

namespace sluiced::files {

/// Bounds what waits for disks and for other machines at the same time: for each file system, for
/// each kind of them, and in what is begun in a turn of the loop. Who has waited longest goes
/// first.
///
/// Reads of a local disk complete by themselves; the bound keeps its queue from growing beyond what
/// makes it faster. A remote file system takes a worker thread of the kernel's for each operation,
/// and the kernel makes only a few: all that hang together leave some of them to the others.
///
/// Belongs to one shard.
class ColdReads {
 public:
  /// How much is read at once of what cannot be sent from the page cache.
  static constexpr std::size_t kBufferBytes = std::size_t{128} * 1024;

  /// `remote_places` for what waits for remote file systems.
  ColdReads(sluice::Executor& executor, observe::ColdReadMetrics& metrics,
            std::size_t remote_places);
  ColdReads(const ColdReads&) = delete;
  ColdReads& operator=(const ColdReads&) = delete;

  /// Of the workers that the kernel makes for a shard's operations that may block (four for each
  /// CPU): a quarter for opening remote files, a half for reading them. The rest is left to the
  /// others when all of those hang.
  [[nodiscard]] static std::size_t places_for_opens() noexcept;
  [[nodiscard]] static std::size_t places_for_reads() noexcept { return 2 * places_for_opens(); }

  /// The right to wait for a disk. Given back when it goes.
  class Place {
   public:
    Place(sluice::SemaphorePermit of_file_system, sluice::SemaphorePermit of_kind,
          sluice::Gauge& waiting) noexcept
        : of_file_system_(std::move(of_file_system)),
          of_kind_(std::move(of_kind)),
          waiting_(&waiting) {
      waiting_->add(1);
    }
    Place(Place&& other) noexcept
        : of_file_system_(std::move(other.of_file_system_)),
          of_kind_(std::move(other.of_kind_)),
          waiting_(std::exchange(other.waiting_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (waiting_ != nullptr) {
        waiting_->add(-1);
      }
    }

   private:
    sluice::SemaphorePermit of_file_system_;
    sluice::SemaphorePermit of_kind_;
    sluice::Gauge* waiting_;
  };

  /// What is begun with a place, by how long it keeps this thread.
  enum class Beginning : std::uint8_t {
    operation,   // one operation of the ring
    read_ahead,  // reading ahead of a stream
  };
  /// ECANCELED: the caller's scope was cancelled before there was one.
  [[nodiscard]] sluice::Task<sluice::Result<Place>> enter(std::uint64_t device, bool is_remote,
                                                          Beginning beginning);

  /// A buffer of kBufferBytes; whoever has a place gets one.
  [[nodiscard]] std::optional<sluice::BufferLease> take_buffer() { return buffers_.take(); }

 private:
  [[nodiscard]] sluice::Semaphore& places_of(std::uint64_t device, bool is_remote);
  [[nodiscard]] sluice::Task<sluice::Result<sluice::SemaphorePermit>> acquire(
      sluice::Semaphore& places);
  [[nodiscard]] bool may_begin_in_this_turn(Beginning beginning) noexcept;

  sluice::Executor& executor_;
  observe::ColdReadMetrics& metrics_;
  std::size_t remote_places_;
  sluice::Semaphore local_;
  sluice::Semaphore remote_;
  // Of each file system that something was waited for; there are as many as are mounted.
  std::unordered_map<std::uint64_t, std::unique_ptr<sluice::Semaphore>> file_systems_;
  sluice::BufferPool buffers_;
  std::uint64_t turn_ = 0;
  std::size_t begun_in_turn_ = 0;  // of kBegunInTurn
};

}  // namespace sluiced::files
