#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <sluice/task.hpp>

#include "files/root.hpp"
#include "serve/outlet.hpp"
#include "serve/residency.hpp"

namespace sluiced::serve {

/// Brings the contents of one file to a socket, each piece on the path that is cheapest for it and
/// never makes the shard wait for a disk:
///
/// - a small one is read into the buffer behind its head (read_small()), or comes out of the copy
///   that is kept of it;
/// - what is in the page cache goes by sendfile(2), called directly on the non-blocking socket;
/// - what is not is read ahead first, by the kernel itself as far as it can be brought to, and
///   awaited through the ring, then sent so too. A stream that catches up with the disk again has
///   twice as much read ahead from then on;
/// - of a remote file, and of one that sendfile(2) refuses, the ring reads into a buffer, which is
///   held only while it is read and sent at once: a slow client keeps none.
///
/// Neither splice(2) through the ring nor a zero-copy send is among them. A splice always goes to a
/// worker thread, which a slow client then holds; and zero-copy copies on the loopback after all,
/// and completes twice.
class FileBody {
 public:
  /// Both must outlive the object.
  FileBody(const Outlet& outlet, const files::OpenFile& source) noexcept
      : outlet_(outlet), source_(source), copies_(source.is_remote) {}

  /// Fills all of `room`, if that needs no waiting.
  [[nodiscard]] bool read_small_at_once(std::span<std::byte> room, std::uint64_t offset);
  /// Whether send_at_once() would send a range without waiting for a disk; unknown if it is not to
  /// be sent so at all.
  [[nodiscard]] Residency look_at_once(std::uint64_t offset, std::uint64_t length);
  /// Sends as much of a range as the socket takes at once, perhaps nothing.
  void send_at_once(std::uint64_t offset, std::uint64_t length);

  /// Fills all of `room`. `seen` is what has been found just now, here and in send().
  [[nodiscard]] sluice::Task<Cut> read_small(std::span<std::byte> room, std::uint64_t offset,
                                             Residency seen);
  /// Sends a range; ranges may follow one another.
  [[nodiscard]] sluice::Task<Cut> send(std::uint64_t offset, std::uint64_t length, Residency seen);

 private:
  [[nodiscard]] sluice::Task<Cut> send_pieces(std::uint64_t offset, std::uint64_t end,
                                              Residency seen);
  /// Whether the next piece has to be read first. Chooses how long it is.
  [[nodiscard]] bool is_next_cold(std::uint64_t offset, std::uint64_t end, Residency seen) noexcept;
  /// Waits until the next piece, which is cold, is in the page cache.
  [[nodiscard]] sluice::Task<Cut> await_disk(std::uint64_t offset, std::uint64_t end);
  /// Both send some of a range, and tell how much by moving `offset`.
  [[nodiscard]] sluice::Task<Cut> send_some(std::uint64_t& offset);
  [[nodiscard]] sluice::Task<Cut> copy_some(std::uint64_t& offset, std::uint64_t end);
  void begin_reading(std::uint64_t offset, std::uint64_t next) noexcept;
  void read_further_ahead(std::uint64_t offset, std::uint64_t next, std::uint64_t end) noexcept;
  void read_ahead(std::uint64_t begin, std::uint64_t end) noexcept;
  [[nodiscard]] sluice::Result<std::size_t> try_send(std::uint64_t offset, std::uint64_t length);
  /// Reads through the ring, which a place among the cold reads has to be had for.
  [[nodiscard]] sluice::Task<sluice::Result<std::size_t>> read(std::span<std::byte> room,
                                                               std::uint64_t offset);

  const Outlet& outlet_;
  const files::OpenFile& source_;
  bool copies_;
  /// How far ahead of what is sent the disk is, for one range.
  struct Stream {
    bool has_waited = false;           // for the disk
    std::uint64_t resident_until = 0;  // where the piece ends that is being sent
    std::uint64_t waited_first_at = 0;
    std::uint64_t window = 0;       // what is read ahead beyond a piece
    std::uint64_t ahead_until = 0;  // what reading ahead has been begun up to
  } stream_;
};

}  // namespace sluiced::serve
