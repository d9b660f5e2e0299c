#include "serve/transmit.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>

#include "serve/file_body.hpp"
#include "serve/transmit_stream.hpp"

namespace sluiced::serve {
namespace {

bool is_small_file(const Response& response) noexcept {
  return response.file && !response.multipart &&
         response.content_length <= OutputBuffer::kSmallFileBytes;
}

// Whether the content is read into the output, to leave with its head in one send. One that has to
// be read from the disk is, too, as far as there is room: the read that is waited for has to put it
// somewhere anyway.
bool goes_through_output(Exchange& exchange) noexcept {
  const Response& response = exchange.response;
  return is_small_file(response) || (exchange.residency == Residency::cold && !response.multipart &&
                                     response.content_length <= exchange.output.room().size());
}

// Room for a content behind the head. The head leaves as much as a small file takes.
std::span<char> content_room(Exchange& exchange) noexcept {
  return exchange.output.room().first(exchange.response.content_length);
}

// Whether the response is all of a file, of which a copy may be kept, under the head that is kept
// of it.
bool is_kept_head_and_file(const Response& response) noexcept {
  return response.rendered_head != nullptr && response.file->response;
}

void offer_to_keep(const Outlet& outlet, const Response& response, std::string_view content) {
  const files::OpenFile& file = *response.file;
  file.response->offer(*response.rendered_head, content, file.head.rendered_for,
                       outlet.executor.now());
}

bool put_text(Exchange& exchange) noexcept {
  const std::string& text = exchange.response.text;
  if (text.size() > exchange.output.room().size()) {
    return false;
  }
  std::memcpy(exchange.output.room().data(), text.data(), text.size());
  exchange.output.add_content(text.size());
  return true;
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
    if (const Cut cut = co_await body.send(range.first, range.size(), Residency::unknown); cut) {
      co_return cut;
    }
  }
  const std::string closing = parts.closing();
  co_return co_await send_bytes(outlet, closing, 0, 0);
}

}  // namespace

bool put_content_at_once(const Outlet& outlet, Exchange& exchange, bool head_only) {
  const Response& response = exchange.response;
  if (head_only || (!response.source && response.content_length == 0)) {
    return true;
  }
  if (response.source) {
    return false;
  }
  if (!response.file) {
    return put_text(exchange);
  }
  if (!is_small_file(response)) {
    return false;
  }
  FileBody body(outlet, *response.file);
  const auto room = content_room(exchange);
  if (!body.read_small_at_once(std::as_writable_bytes(room), response.file_offset)) {
    exchange.residency = Residency::cold;
    return false;
  }
  exchange.output.add_content(room.size());
  if (is_kept_head_and_file(response)) {
    offer_to_keep(outlet, response, {room.data(), room.size()});
  }
  return true;
}

std::string_view kept_response(const Exchange& exchange, const http::DateLine& date) noexcept {
  // Without a Connection field it is that of a connection of HTTP/1.1 which goes on.
  const bool may_be = exchange.output.empty() && exchange.keep_alive &&
                      exchange.head.version == http::Version::http_1_1 &&
                      exchange.head.method == http::Method::get &&
                      is_kept_head_and_file(exchange.response);
  const files::OpenFile* const file = exchange.response.file.get();
  return may_be ? file->response->response(file->head.rendered_for, date) : std::string_view();
}

bool send_kept_at_once(const Outlet& outlet, Exchange& exchange, std::string_view response) {
  const std::size_t content_bytes = exchange.response.file->response->content_bytes();
  const std::size_t head_bytes = response.size() - content_bytes;
  outlet.metrics.data_paths.kept.add();
  const std::size_t sent = send_at_once(outlet, response, head_bytes, 0);
  if (sent == response.size()) {
    return true;
  }
  // The copy may be gone before there is room for the rest.
  OutputBuffer& output = exchange.output;
  std::memcpy(output.room().data(), response.data(), response.size());
  output.add_head(head_bytes);
  output.add_content(content_bytes);
  output.sent(sent);
  return false;
}

bool send_output_at_once(const Outlet& outlet, OutputBuffer& output, int flags) noexcept {
  output.sent(send_at_once(outlet, output.unsent(), output.unsent_head_bytes(), flags));
  return output.empty();
}

bool send_file_at_once(const Outlet& outlet, Exchange& exchange) {
  const Response& response = exchange.response;
  if (!response.file || response.source || response.multipart || is_small_file(response)) {
    return false;
  }
  FileBody body(outlet, *response.file);
  exchange.residency = body.look_at_once(response.file_offset, response.content_length);
  // MSG_MORE keeps the head back until the content fills its segment.
  if (exchange.residency != Residency::resident ||
      !send_output_at_once(outlet, exchange.output, MSG_MORE)) {
    return false;
  }
  body.send_at_once(response.file_offset, response.content_length);
  return exchange.content_sent == response.content_length;
}

sluice::Task<Cut> send_output(const Outlet& outlet, OutputBuffer& output, int flags) {
  const Cut cut = co_await send_bytes(outlet, output.unsent(), output.unsent_head_bytes(), flags);
  output.clear();
  co_return cut;
}

sluice::Task<Cut> transmit(const Outlet& outlet, Exchange& exchange, bool head_only) {
  const Response& response = exchange.response;
  OutputBuffer& output = exchange.output;
  if (!head_only && response.source) {
    const std::string head(output.unsent());
    output.clear();
    co_return co_await transmit_stream(outlet, *response.source, head,
                                       response.ends_with_connection(exchange.head.version)
                                           ? StreamFraming::until_connection
                                           : StreamFraming::chunked);
  }
  // read_small() tries at once too, unless it was found not to be there just now.
  const bool reads_small =
      !head_only && response.content_length > 0 && goes_through_output(exchange);
  if (output.has_content() || (!reads_small && put_content_at_once(outlet, exchange, head_only))) {
    co_return co_await send_output(outlet, output, 0);
  }
  if (reads_small && exchange.content_sent == 0) {
    FileBody small(outlet, *response.file);
    const auto room = content_room(exchange);
    const Cut unread = co_await small.read_small(std::as_writable_bytes(room), response.file_offset,
                                                 exchange.residency);
    if (unread) {
      // What is ready for earlier requests is whole, and counted as sent.
      output.take_back();
      static_cast<void>(co_await send_output(outlet, output, 0));
      co_return unread;
    }
    output.add_content(room.size());
    co_return co_await send_output(outlet, output, 0);
  }
  const Cut unsent = co_await send_output(outlet, output, MSG_MORE);
  if (unsent) {
    co_return unsent;
  }
  if (!response.file) {
    co_return co_await send_bytes(outlet, response.text, 0, 0);
  }
  FileBody body(outlet, *response.file);
  if (response.multipart) {
    co_return co_await send_parts(outlet, body, *response.multipart);
  }
  const std::uint64_t sent = exchange.content_sent;
  co_return co_await body.send(response.file_offset + sent, response.content_length - sent,
                               exchange.residency);
}

}  // namespace sluiced::serve
