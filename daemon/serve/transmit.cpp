#include "serve/transmit.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "serve/file_body.hpp"
#include "serve/transmit_stream.hpp"

namespace sluiced::serve {
namespace {

// The content behind the head in one buffer, and both in one send.
sluice::Task<Cut> send_small_file(const Outlet& outlet, Exchange& exchange,
                                  std::size_t head_bytes) {
  const Response& response = exchange.response;
  const auto content = std::as_writable_bytes(std::span(exchange.output))
                           .subspan(head_bytes, response.content_length);
  FileBody body(outlet, *response.file);
  if (const Cut cut = co_await body.read_small(content, response.file_offset); cut) {
    co_return cut;
  }
  co_return co_await send_bytes(outlet, {exchange.output.data(), head_bytes + content.size()},
                                head_bytes, 0);
}

// A text behind the head: in one buffer and one send, if it has room there.
sluice::Task<Cut> send_text(const Outlet& outlet, Exchange& exchange, std::string_view head) {
  const std::string& text = exchange.response.text;
  if (text.size() <= exchange.output.size() - head.size()) {
    std::memcpy(exchange.output.data() + head.size(), text.data(), text.size());
    co_return co_await send_bytes(outlet, {exchange.output.data(), head.size() + text.size()},
                                  head.size(), 0);
  }
  if (const Cut cut = co_await send_bytes(outlet, head, head.size(), MSG_MORE); cut) {
    co_return cut;
  }
  co_return co_await send_bytes(outlet, text, 0, 0);
}

// Each part behind its head; MSG_MORE lets them share segments.
sluice::Task<Cut> send_parts(const Outlet& outlet, FileBody& body,
                             const http::MultipartRanges& parts) {
  for (std::size_t index = 0; index < parts.size(); ++index) {
    const std::string head = parts.part_head(index);
    if (const Cut cut = co_await send_bytes(outlet, head, 0, MSG_MORE); cut) {
      co_return cut;
    }
    const http::ByteRange& range = parts.range(index);
    if (const Cut cut = co_await body.send(range.first, range.size()); cut) {
      co_return cut;
    }
  }
  const std::string closing = parts.closing();
  co_return co_await send_bytes(outlet, closing, 0, 0);
}

}  // namespace

sluice::Task<Cut> transmit(Outlet outlet, Exchange& exchange, std::string_view head,
                           bool head_only) {
  const Response& response = exchange.response;
  if (!head_only && response.source) {
    co_return co_await transmit_stream(outlet, *response.source, head,
                                       response.ends_with_connection(exchange.head.version)
                                           ? StreamFraming::until_connection
                                           : StreamFraming::chunked);
  }
  if (head_only || response.content_length == 0) {
    co_return co_await send_bytes(outlet, head, head.size(), 0);
  }
  if (!response.file) {
    co_return co_await send_text(outlet, exchange, head);
  }
  const std::size_t room = exchange.output.size() - head.size();
  if (!response.multipart && response.content_length <= std::min(room, Exchange::kSmallFileBytes)) {
    co_return co_await send_small_file(outlet, exchange, head.size());
  }
  // MSG_MORE keeps the head back until the content fills its segment.
  if (const Cut cut = co_await send_bytes(outlet, head, head.size(), MSG_MORE); cut) {
    co_return cut;
  }
  FileBody body(outlet, *response.file);
  if (response.multipart) {
    co_return co_await send_parts(outlet, body, *response.multipart);
  }
  co_return co_await body.send(response.file_offset, response.content_length);
}

}  // namespace sluiced::serve
