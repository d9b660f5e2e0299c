#include "serve/transmit.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <string>

#include <sluice/sync.hpp>

#include "serve/transmit_stream.hpp"

namespace sluiced::serve {
namespace {

using observe::TransferCut;
using Cut = std::optional<TransferCut>;

// What one connection sends in one turn of the loop before the others get theirs.
constexpr std::size_t kBytesPerTurn = std::size_t{512} * 1024;

class Transmission {
 public:
  explicit Transmission(const Outlet& outlet) noexcept : outlet_(outlet) {}

  // Sends `bytes`, of which the first `head_bytes` are head and count as no content.
  sluice::Task<Cut> send(std::string_view bytes, std::size_t head_bytes, int flags);
  sluice::Task<Cut> send_small_file(Exchange& exchange, std::size_t head_bytes);
  sluice::Task<Cut> send_file(const sluice::File& file, std::uint64_t offset, std::uint64_t length);
  sluice::Task<Cut> send_parts(const sluice::File& file, const http::MultipartRanges& parts);

 private:
  void allow_stall();
  [[nodiscard]] TransferCut cut_by(const std::error_code& error) const noexcept;
  sluice::Task<Cut> await_room();
  sluice::Task<void> make_resident(const sluice::File& file, std::uint64_t offset,
                                   std::size_t length);

  Outlet outlet_;
};

void Transmission::allow_stall() {
  if (outlet_.stall) {
    outlet_.deadline.set(outlet_.executor.now() + *outlet_.stall);
  } else {
    outlet_.deadline.clear();
  }
}

TransferCut Transmission::cut_by(const std::error_code& error) const noexcept {
  if (sluice::is_cancelled(error)) {
    return outlet_.deadline.has_expired() ? TransferCut::write_stall : TransferCut::drain_cut;
  }
  return TransferCut::client_abort;
}

sluice::Task<Cut> Transmission::send(std::string_view bytes, std::size_t head_bytes, int flags) {
  while (!bytes.empty()) {
    allow_stall();
    const auto piece = bytes.substr(0, kBytesPerTurn);
    const int more = piece.size() < bytes.size() ? MSG_MORE : 0;
    const auto sent = co_await outlet_.socket.send(std::as_bytes(std::span(piece)), flags | more)
                          .within(outlet_.deadline.scope());
    if (!sent) {
      co_return cut_by(sent.error());
    }
    const std::size_t of_head = std::min(*sent, head_bytes);
    head_bytes -= of_head;
    outlet_.count(*sent - of_head);
    bytes.remove_prefix(*sent);
  }
  co_return std::nullopt;
}

// The content behind the head in one buffer, and both in one send.
sluice::Task<Cut> Transmission::send_small_file(Exchange& exchange, std::size_t head_bytes) {
  const Response& response = exchange.response;
  const auto content = std::as_writable_bytes(std::span(exchange.output))
                           .subspan(head_bytes, response.content_length);
  std::size_t filled = 0;
  while (filled < content.size()) {
    const auto rest = content.subspan(filled);
    const std::uint64_t offset = response.file_offset + filled;
    auto count = response.file->file.try_read_at(outlet_.executor.reactor(), rest, offset);
    if (!count && count.error() == std::errc::resource_unavailable_try_again) {
      count = co_await response.file->file.read_at(rest, offset);
    }
    if (!count) {
      co_return sluice::is_cancelled(count.error()) ? TransferCut::drain_cut
                                                    : TransferCut::io_error;
    }
    if (*count == 0) {
      co_return TransferCut::source_truncated;
    }
    filled += *count;
  }
  co_return co_await send({exchange.output.data(), head_bytes + filled}, head_bytes, 0);
}

// Starts reading a piece of a file into the page cache, if it is not there, and waits until its
// last page has come, without holding up the shard: sendfile(2) would sleep on the disk.
sluice::Task<void> Transmission::make_resident(const sluice::File& file, std::uint64_t offset,
                                               std::size_t length) {
  std::byte probe;
  const std::span one(&probe, 1);
  sluice::Reactor& reactor = outlet_.executor.reactor();
  const std::uint64_t last = offset + length - 1;
  if (file.try_read_at(reactor, one, offset) && file.try_read_at(reactor, one, last)) {
    co_return;
  }
  file.read_ahead(offset, length);
  // Whether it worked out is seen when the piece is sent.
  static_cast<void>(co_await file.read_at(one, offset));
  static_cast<void>(co_await file.read_at(one, last));
}

// The kernel says that there is room only when a good part of its buffer is free: a client that
// reads slowly, and takes minutes for that, has not stalled as long as it acknowledges something.
sluice::Task<Cut> Transmission::await_room() {
  auto before = outlet_.socket.progress();
  while (true) {
    allow_stall();
    const auto ready = co_await outlet_.socket.wait_writable().within(outlet_.deadline.scope());
    if (ready) {
      co_return Cut();
    }
    const auto now = outlet_.socket.progress();
    if (!outlet_.deadline.has_expired() || !before || !now ||
        now->acknowledged_bytes == before->acknowledged_bytes) {
      co_return cut_by(ready.error());
    }
    before = now;
  }
}

// What sendfile(2) queues are the pages of the page cache themselves: of a file that is cut short
// in place just then, the client may see zeros where it was cut, before the connection ends early.
// Neither a splice through the ring nor a zero-copy send is cheaper here: the splice always goes to
// a worker thread, and zero-copy copies on the loopback and costs a second completion elsewhere.
sluice::Task<Cut> Transmission::send_file(const sluice::File& file, std::uint64_t offset,
                                          std::uint64_t length) {
  const std::uint64_t end = offset + length;
  std::uint64_t resident_until = offset;
  std::size_t sent_this_turn = 0;
  while (offset < end) {
    if (offset >= resident_until) {
      const auto piece = std::min<std::uint64_t>(end - offset, kBytesPerTurn);
      co_await make_resident(file, offset, piece);
      resident_until = offset + piece;
    }
    if (outlet_.deadline.scope().is_cancelled()) {
      co_return cut_by(std::make_error_code(std::errc::operation_canceled));
    }
    const auto sent = outlet_.socket.try_send_file(outlet_.executor.reactor(), file, offset,
                                                   resident_until - offset);
    if (!sent) {
      if (sent.error() == std::errc::resource_unavailable_try_again) {
        if (const Cut cut = co_await await_room(); cut) {
          co_return cut;
        }
        sent_this_turn = 0;
        continue;
      }
      co_return sent.error() == std::errc::io_error ? TransferCut::io_error : cut_by(sent.error());
    }
    if (*sent == 0) {
      co_return TransferCut::source_truncated;
    }
    offset += *sent;
    outlet_.count(*sent);
    sent_this_turn += *sent;
    if (sent_this_turn >= kBytesPerTurn && offset < end) {
      sent_this_turn = 0;
      co_await sluice::yield();
    }
  }
  co_return std::nullopt;
}

// Each part behind its head; MSG_MORE lets them share segments.
sluice::Task<Cut> Transmission::send_parts(const sluice::File& file,
                                           const http::MultipartRanges& parts) {
  for (std::size_t index = 0; index < parts.size(); ++index) {
    const std::string head = parts.part_head(index);
    if (const Cut cut = co_await send(head, 0, MSG_MORE); cut) {
      co_return cut;
    }
    const http::ByteRange& range = parts.range(index);
    if (const Cut cut = co_await send_file(file, range.first, range.size()); cut) {
      co_return cut;
    }
  }
  const std::string closing = parts.closing();
  co_return co_await send(closing, 0, 0);
}

}  // namespace

sluice::Task<Cut> send_bytes(const Outlet& outlet, std::string_view bytes, std::size_t head_bytes,
                             int flags) {
  Transmission transmission(outlet);
  co_return co_await transmission.send(bytes, head_bytes, flags);
}

sluice::Task<Cut> transmit(Outlet outlet, Exchange& exchange, std::string_view head,
                           bool head_only) {
  Transmission transmission(outlet);
  const Response& response = exchange.response;
  if (!head_only && response.source) {
    co_return co_await transmit_stream(outlet, *response.source, head,
                                       response.ends_with_connection(exchange.head.version)
                                           ? StreamFraming::until_connection
                                           : StreamFraming::chunked);
  }
  if (head_only || response.content_length == 0) {
    co_return co_await transmission.send(head, head.size(), 0);
  }
  const std::size_t room = exchange.output.size() - head.size();
  if (!response.file) {
    if (response.text.size() <= room) {
      std::memcpy(exchange.output.data() + head.size(), response.text.data(), response.text.size());
      co_return co_await transmission.send(
          {exchange.output.data(), head.size() + response.text.size()}, head.size(), 0);
    }
    if (const Cut cut = co_await transmission.send(head, head.size(), MSG_MORE); cut) {
      co_return cut;
    }
    co_return co_await transmission.send(response.text, 0, 0);
  }
  if (!response.multipart && response.content_length <= std::min(room, Exchange::kSmallFileBytes)) {
    co_return co_await transmission.send_small_file(exchange, head.size());
  }
  // MSG_MORE keeps the head back until the content fills its segment.
  if (const Cut cut = co_await transmission.send(head, head.size(), MSG_MORE); cut) {
    co_return cut;
  }
  if (response.multipart) {
    co_return co_await transmission.send_parts(response.file->file, *response.multipart);
  }
  co_return co_await transmission.send_file(response.file->file, response.file_offset,
                                            response.content_length);
}

}  // namespace sluiced::serve
