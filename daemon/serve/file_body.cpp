#include "serve/file_body.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include <sluice/operations.hpp>
#include <sluice/semaphore.hpp>
#include <sluice/sync.hpp>

#include "files/worker_request.hpp"

namespace sluiced::serve {
namespace {

using observe::TransferCut;
using Beginning = files::ColdReads::Beginning;

// What is sent as soon as it is asked for, without waiting for a turn and without a cork: for less
// than this both cost more than they save.
constexpr std::uint64_t kSentAtOnceBytes = std::uint64_t{128} * 1024;

// What a stream waits for at once: less than what is sent at once of a file that is in the page
// cache, so that its beginning is on its way while the rest is read.
constexpr std::uint64_t kColdPieceBytes = std::uint64_t{512} * 1024;

// How far ahead of what is sent a disk may be, for each stream. Four of them then keep some
// megabytes under way, which is what disks need for their full rate.
constexpr std::uint64_t kLargestWindow = std::uint64_t{4} * 1024 * 1024;
// readahead(2) takes no more at once than the device's read_ahead_kb, whose default this is, and
// forgets the rest.
constexpr std::uint64_t kReadAheadStep = std::uint64_t{128} * 1024;
// Where a byte is touched of a file that begins to be sent, to set off the kernel's own reading
// ahead. readahead(2) does not do that: it brings pages of the smallest size, made on this thread
// for 30 to 60 us per 128 KiB. The kernel's steps take a tenth of that: they are made of ever
// larger folios. The first is of 4 pages, and each begins when the page is touched that the one
// before has marked, and is four times as long where read_ahead_kb allows that: more than 1 MiB is
// under way with the last of these. A kernel whose reads without waiting begin nothing is asked by
// readahead(2) as before.
constexpr std::array<std::uint64_t, 4> kTouchedFirst = {0, 4096, 16384, 81920};

// For how long a file that was all in the page cache is taken to be there still, so that of one
// that is asked for a thousand times a second not each request pays for the question.
constexpr sluice::Duration kLookAge = std::chrono::milliseconds(2);

TransferCut cut_by_source(const std::error_code& error) noexcept {
  return sluice::is_cancelled(error) ? TransferCut::drain_cut : TransferCut::io_error;
}

bool is_refusal(const std::error_code& error) noexcept {
  return error == std::errc::invalid_argument || error == std::errc::operation_not_supported ||
         error == std::errc::function_not_supported;
}

}  // namespace

bool FileBody::read_small_at_once(std::span<std::byte> room, std::uint64_t offset) {
  if (source_.response && source_.response->copy_content_to(room, offset)) {
    outlet_.metrics.data_paths.kept.add();
    return true;
  }
  if (source_.is_remote) {
    return false;
  }
  const auto count = source_.file.try_read_at(outlet_.executor.reactor(), room, offset);
  if (!count || *count != room.size()) {
    return false;
  }
  outlet_.metrics.data_paths.buffered.add();
  return true;
}

Residency FileBody::look_at_once(std::uint64_t offset, std::uint64_t length) {
  if (copies_ || length > kSentAtOnceBytes) {
    return Residency::unknown;
  }
  const auto now = outlet_.executor.now();
  if (now - source_.seen_resident_at < kLookAge) {
    return Residency::resident;
  }
  if (!is_resident(outlet_.executor.reactor(), source_.file, offset, length)) {
    return Residency::cold;
  }
  if (length == source_.status.size_bytes) {
    source_.seen_resident_at = now;
  }
  return Residency::resident;
}

void FileBody::send_at_once(std::uint64_t offset, std::uint64_t length) {
  const auto sent =
      outlet_.socket.try_send_file(outlet_.executor.reactor(), source_.file, offset, length);
  if (sent) {
    outlet_.metrics.data_paths.resident.add();
    outlet_.count(*sent);
  }
}

sluice::Task<Cut> FileBody::read_small(std::span<std::byte> room, std::uint64_t offset,
                                       Residency seen) {
  std::size_t filled = 0;
  bool was_cold = false;
  while (filled < room.size()) {
    const auto rest = room.subspan(filled);
    sluice::Result<std::size_t> count = sluice::failure(EAGAIN);
    if (!source_.is_remote && std::exchange(seen, Residency::unknown) != Residency::cold) {
      count = source_.file.try_read_at(outlet_.executor.reactor(), rest, offset + filled);
    }
    if (!count && count.error() == std::errc::resource_unavailable_try_again) {
      was_cold = true;
      const auto place = co_await outlet_.cold_reads.enter(source_.status.device, source_.is_remote,
                                                           Beginning::operation);
      if (!place) {
        co_return cut_by_source(place.error());
      }
      count = co_await read(rest, offset + filled);
    }
    if (!count) {
      co_return cut_by_source(count.error());
    }
    if (*count == 0) {
      co_return TransferCut::source_truncated;
    }
    filled += *count;
  }
  observe::DataPathMetrics& metrics = outlet_.metrics.data_paths;
  (was_cold ? metrics.cold : metrics.buffered).add();
  co_return std::nullopt;
}

// What sendfile(2) queues are the pages of the page cache themselves: of a file that is cut short
// in place just then, the client may see zeros where it was cut, before the connection ends early.
sluice::Task<Cut> FileBody::send(std::uint64_t offset, std::uint64_t length, Residency seen) {
  stream_ = {};
  // Each sendfile(2) would else end in a segment that is not full: a quarter more of them in all.
  const bool is_corked = length > kSentAtOnceBytes && outlet_.socket.set_cork(true).has_value();
  const Cut cut = co_await send_pieces(offset, offset + length, seen);
  if (is_corked) {
    static_cast<void>(outlet_.socket.set_cork(false));
  }
  co_return cut;
}

sluice::Task<Cut> FileBody::send_pieces(std::uint64_t offset, std::uint64_t end, Residency seen) {
  while (offset < end) {
    if (offset >= stream_.resident_until && !copies_ &&
        is_next_cold(offset, end, std::exchange(seen, Residency::unknown))) {
      if (const Cut cut = co_await await_disk(offset, end); cut) {
        co_return cut;
      }
    }
    if (const Cut cut = outlet_.find_cut(); cut) {
      co_return cut;
    }
    sluice::Task<Cut> some = copies_ ? copy_some(offset, end) : send_some(offset);
    if (const Cut cut = co_await std::move(some); cut) {
      co_return cut;
    }
  }
  co_return std::nullopt;
}

// Once it is this connection's turn. A piece of a stream that comes from the disk takes all of one,
// whether it was waited for or read ahead: its pages are in no cache of the processor, and to send
// them takes about three times as long.
sluice::Task<Cut> FileBody::send_some(std::uint64_t& offset) {
  const std::uint64_t length = stream_.resident_until - offset;
  const std::size_t share = stream_.has_waited ? kBulkBytesPerTurn : length;
  auto turn = outlet_.bulk_turn.try_acquire(share);
  if (!turn) {
    outlet_.deadline.clear();  // Waiting for others is no fault of the client.
    auto granted = co_await outlet_.bulk_turn.acquire(share).within(outlet_.deadline.scope());
    if (!granted) {
      co_return outlet_.cut_by(granted.error());
    }
    turn = std::move(*granted);
  }
  const auto sent = try_send(offset, length);
  if (!sent) {
    if (copies_) {
      co_return std::nullopt;
    }
    if (sent.error() != std::errc::resource_unavailable_try_again) {
      co_return sent.error() == std::errc::io_error ? TransferCut::io_error
                                                    : outlet_.cut_by(sent.error());
    }
  } else if (*sent == 0) {
    co_return TransferCut::source_truncated;
  } else {
    offset += *sent;
    outlet_.count(*sent);
    co_await sluice::yield();  // holds the share until this turn is over
  }
  turn.reset();
  if (offset < stream_.resident_until) {
    co_return co_await await_room(outlet_);
  }
  co_return std::nullopt;
}

// A refusal is no error: from then on the file is copied.
sluice::Result<std::size_t> FileBody::try_send(std::uint64_t offset, std::uint64_t length) {
  const auto sent =
      outlet_.socket.try_send_file(outlet_.executor.reactor(), source_.file, offset, length);
  if (!sent && is_refusal(sent.error())) {
    copies_ = true;
    outlet_.metrics.data_paths.refused.add();
  }
  return sent;
}

bool FileBody::is_next_cold(std::uint64_t offset, std::uint64_t end, Residency seen) noexcept {
  observe::DataPathMetrics& metrics = outlet_.metrics.data_paths;
  const std::uint64_t most = stream_.has_waited ? kColdPieceBytes : kBulkBytesPerTurn;
  const std::uint64_t next = std::min(end, offset + most);
  if (seen == Residency::cold ||
      !is_resident(outlet_.executor.reactor(), source_.file, offset, next - offset)) {
    stream_.resident_until = std::min(next, offset + kColdPieceBytes);
    metrics.cold.add();
    return true;
  }
  stream_.resident_until = next;
  metrics.resident.add();
  read_further_ahead(offset, next, end);
  return false;
}

// Without holding up the shard: sendfile(2) would sleep on the disk. `end` is that of the range, up
// to which it may be read ahead.
sluice::Task<Cut> FileBody::await_disk(std::uint64_t offset, std::uint64_t end) {
  const std::uint64_t next = stream_.resident_until;
  const std::uint64_t length = next - offset;
  const bool is_one_read =
      !stream_.has_waited && next == end && length <= files::ColdReads::kBufferBytes;
  const auto place =
      co_await outlet_.cold_reads.enter(source_.status.device, source_.is_remote,
                                        is_one_read ? Beginning::operation : Beginning::read_ahead);
  if (!place) {
    co_return cut_by_source(place.error());
  }
  if (is_one_read) {
    // All that is wanted: one read brings its pages, and asks the device for them as one.
    if (const auto buffer = outlet_.cold_reads.take_buffer(); buffer) {
      static_cast<void>(co_await source_.file.read_at(buffer->bytes().first(length), offset));
      co_return outlet_.find_cut();
    }
  }
  begin_reading(offset, next);
  read_ahead(offset, next);
  read_further_ahead(offset, next, end);
  // A page is here when one byte of it is, and reading ahead brings those of a step together.
  // Whether it worked out is seen when the piece is sent.
  std::byte probe;
  const std::span one(&probe, 1);
  for (std::uint64_t read = offset; read < next;) {
    read = std::min(next, read + kReadAheadStep);
    static_cast<void>(co_await source_.file.read_at(one, read - 1));
  }
  co_return outlet_.find_cut();
}

// Lets the kernel read ahead of a piece that is not in the page cache, before readahead(2) is asked
// for the rest. Nothing here waits. In the middle of a file the kernel sees no stream in the first
// piece, and would read just the pages that are touched.
void FileBody::begin_reading(std::uint64_t offset, std::uint64_t next) noexcept {
  const auto touch = [this](std::uint64_t at) noexcept {
    std::byte probe;
    static_cast<void>(source_.file.try_read_at(outlet_.executor.reactor(), {&probe, 1}, at));
  };
  if (stream_.has_waited) {
    stream_.window = std::min(std::max(stream_.window * 2, next - offset), kLargestWindow);
    touch(offset);
    return;
  }
  stream_.has_waited = true;
  stream_.waited_first_at = offset;
  if (offset == 0) {
    for (const std::uint64_t at : kTouchedFirst) {
      touch(at);
    }
  }
}

// Of a stream that has waited for its disk more than once: up to a window beyond what is sent next.
// The kernel reads ahead by itself of what is read in order, and with a large read_ahead_kb it is
// further ahead than this asks for, which costs nothing then. That is so from the beginning when no
// more is asked for than has been sent: the kernel's own steps grow faster. Where both ask for the
// same pages, the kernel falls back to small ones.
void FileBody::read_further_ahead(std::uint64_t offset, std::uint64_t next,
                                  std::uint64_t end) noexcept {
  if (stream_.window == 0) {
    return;
  }
  const std::uint64_t goal =
      std::min({end, next + stream_.window, offset + (offset - stream_.waited_first_at)});
  const std::uint64_t begin = std::max(stream_.ahead_until, next);
  if (begin < goal) {
    read_ahead(begin, std::min(goal, begin + 2 * kColdPieceBytes));
  }
}

// Asks for what the kernel has not begun by itself. Also for what has been asked for before, since
// a page may have gone again; but only if it can be told that one has: on pages that are there,
// readahead(2) takes a tenth of the time of sending them.
void FileBody::read_ahead(std::uint64_t begin, std::uint64_t end) noexcept {
  const auto is_all_begun = is_begun(source_.file, begin, end - begin);
  if (!is_all_begun) {
    begin = std::max(begin, stream_.ahead_until);
  } else if (*is_all_begun) {
    begin = end;
  }
  stream_.ahead_until = std::max(stream_.ahead_until, end);
  for (std::uint64_t offset = begin; offset < end; offset += kReadAheadStep) {
    source_.file.read_ahead(offset, std::min(kReadAheadStep, end - offset));
  }
}

sluice::Task<sluice::Result<std::size_t>> FileBody::read(std::span<std::byte> room,
                                                         std::uint64_t offset) {
  if (source_.is_remote) {
    const files::WorkerRequest<sluice::ReadRequest> request(source_.file.descriptor(), room,
                                                            offset);
    co_return co_await sluice::Operation(request);
  }
  co_return co_await source_.file.read_at(room, offset);
}

sluice::Task<Cut> FileBody::copy_some(std::uint64_t& offset, std::uint64_t end) {
  if (const Cut cut = co_await await_room(outlet_); cut) {
    co_return cut;
  }
  // Waiting for a file is no fault of the client.
  outlet_.deadline.clear();
  files::ColdReads& reads = outlet_.cold_reads;
  const auto place =
      co_await reads.enter(source_.status.device, source_.is_remote, Beginning::operation);
  if (!place) {
    co_return cut_by_source(place.error());
  }
  const auto buffer = reads.take_buffer();
  if (!buffer) {
    co_return TransferCut::io_error;  // not to be: there are as many as places
  }
  const auto room =
      buffer->bytes().first(std::min<std::uint64_t>(buffer->bytes().size(), end - offset));
  const auto count = co_await read(room, offset);
  if (!count) {
    co_return cut_by_source(count.error());
  }
  if (*count == 0) {
    co_return TransferCut::source_truncated;
  }
  outlet_.metrics.data_paths.copied.add();
  sluice::SendRequest request(outlet_.socket.fd(), room.first(*count), MSG_NOSIGNAL);
  const std::int32_t sent = outlet_.executor.reactor().attempt(request.prepare());
  if (sent < 0 && sent != -EAGAIN) {
    co_return TransferCut::client_abort;
  }
  if (sent > 0) {
    offset += static_cast<std::uint64_t>(sent);
    outlet_.count(static_cast<std::uint64_t>(sent));
  }
  co_return std::nullopt;
}

}  // namespace sluiced::serve
