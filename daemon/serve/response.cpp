#include "serve/response.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "http/error_page.hpp"
#include "http/vary.hpp"

namespace sluiced::serve {

using http::Status;

void Response::clear() {
  status = Status::ok;
  content_type = allow = cache_control = security_policy = content_encoding = site = path = {};
  varies_by_encoding = varies_by_accept = varies_by_origin = false;
  content_type_text.clear();
  location.clear();
  validators.reset();
  header_rules = nullptr;
  rendered_head = nullptr;
  header_lines = 0;
  representation_digest.reset();
  content_digest.reset();
  accepts_ranges = false;
  range.reset();
  multipart.reset();
  complete_length = content_length = file_offset = 0;
  closes = is_streamed = false;
  fields.clear();
  text.clear();
  file = {};
  source.reset();
}

void Response::set_page(Status page_status) {
  status = page_status;
  validators.reset();
  accepts_ranges = false;
  range.reset();
  multipart.reset();
  content_encoding = {};
  header_lines = 0;
  rendered_head = nullptr;
  file = {};
  is_streamed = false;
  source.reset();
  set_text(http::error_page_content_type(http::ErrorPageFormat::html),
           http::render_error_page(page_status));
  security_policy = http::kErrorPageSecurityPolicy;
}

void Response::set_text(std::string_view type, std::string content) {
  content_type = type;
  text = std::move(content);
  content_length = text.size();
}

namespace {

// One field for all that a response varies by: some caches read the first Vary only.
std::string_view vary_of(const Response& response) noexcept {
  constexpr std::array<std::string_view, 8> kFields{
      "",       "Accept-Encoding",         "Accept",         "Accept, Accept-Encoding",
      "Origin", "Accept-Encoding, Origin", "Accept, Origin", "Accept, Accept-Encoding, Origin"};
  return kFields[(response.varies_by_encoding ? 1U : 0U) + (response.varies_by_accept ? 2U : 0U) +
                 (response.varies_by_origin ? 4U : 0U)];
}

// What the rules of the mount name is part of it. Only who has them set it pays for a string.
void render_vary(const Response& response, http::ResponseHeadWriter& writer) {
  const std::string_view own = vary_of(response);
  const std::string_view added = response.header_lines == 0
                                     ? std::string_view()
                                     : response.header_rules->vary(response.header_lines);
  if (!added.empty()) {
    writer.field("Vary", http::merged_vary(own, added));
  } else if (!own.empty()) {
    writer.field("Vary", own);
  }
}

// What is said of the selected representation, in 200, 206 and 304.
void render_representation(const Response& response, http::ResponseHeadWriter& writer) {
  if (response.validators) {
    const auto& [etag, last_modified, is_strong] = *response.validators;
    // A cache that is told the tag has no use for the date of what it holds (RFC 9110 section
    // 15.4.5).
    if (last_modified && !(etag && response.status == Status::not_modified)) {
      writer.date_field("Last-Modified", *last_modified);
    }
    if (etag) {
      writer.field("ETag", etag->text());
    }
  }
  if (!response.content_encoding.empty()) {
    writer.field("Content-Encoding", response.content_encoding);
  }
  if (response.representation_digest) {
    writer.field("Repr-Digest", http::DigestField(*response.representation_digest).text());
  }
  if (response.content_digest) {
    writer.field("Content-Digest", http::DigestField(*response.content_digest).text());
  }
  if (response.header_lines != 0) {
    response.header_rules->for_each(response.header_lines,
                                    [&writer](std::string_view line) { writer.rendered(line); });
  }
}

std::string_view connection_line(const http::RequestHead& request, bool keep_alive) noexcept {
  if (!keep_alive) {
    return "Connection: close\r\n";
  }
  // A client of 1.0 takes the connection for closed unless it is told (RFC 9112, appendix C.2.2).
  return request.version == http::Version::http_1_0 ? "Connection: keep-alive\r\n" : "";
}

// A head that is not there yet.
std::expected<std::string_view, http::ResponseHeadError> render_new_head(
    const Response& response, const http::RequestHead& request, bool keep_alive,
    const http::DateLine& date, std::span<char> buffer) {
  http::ResponseHeadWriter writer(buffer);
  writer.status(response.status);
  writer.date(date);
  if (response.status != Status::not_modified) {
    if (!response.content_type.empty()) {
      writer.field("Content-Type", response.content_type);
      // What a file is called decides its type; a browser must not guess otherwise.
      writer.field("X-Content-Type-Options", "nosniff");
    }
    if (!response.is_streamed) {
      if (response.status != Status::no_content) {  // RFC 9110 section 8.6
        writer.field("Content-Length", response.content_length);
      }
    } else if (request.version != http::Version::http_1_0) {
      writer.field("Transfer-Encoding", "chunked");
    }
  }
  render_representation(response, writer);
  render_vary(response, writer);
  if (response.accepts_ranges) {
    writer.field("Accept-Ranges", "bytes");
  }
  if (response.range) {
    writer.content_range(response.range->first, response.range->last, response.complete_length);
  } else if (response.status == Status::range_not_satisfiable) {
    writer.unsatisfied_range(response.complete_length);
  }
  if (!response.location.empty()) {
    writer.field("Location", response.location);
  }
  if (!response.allow.empty()) {
    writer.field("Allow", response.allow);
  }
  if (response.status == Status::service_unavailable) {
    writer.field("Retry-After", 1);
  }
  if (!response.cache_control.empty()) {
    writer.field("Cache-Control", response.cache_control);
  }
  if (!response.security_policy.empty()) {
    writer.field("Content-Security-Policy", response.security_policy);
  }
  writer.fields(response.fields);
  writer.rendered(connection_line(request, keep_alive));
  return writer.finish();
}

}  // namespace

std::expected<std::string_view, http::ResponseHeadError> render_head(
    const Response& response, const http::RequestHead& request, bool keep_alive,
    const http::DateLine& date, std::span<char> buffer) {
  return response.rendered_head != nullptr
             ? response.rendered_head->write(buffer, date, connection_line(request, keep_alive))
             : render_new_head(response, request, keep_alive, date, buffer);
}

}  // namespace sluiced::serve
