#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "files/root.hpp"
#include "http/digest_fields.hpp"
#include "http/entity_tag.hpp"
#include "http/header_rules.hpp"
#include "http/multipart_ranges.hpp"
#include "http/range.hpp"
#include "http/request_head.hpp"
#include "http/response_head.hpp"
#include "http/status.hpp"
#include "serve/body_source.hpp"

namespace sluiced::serve {

/// A response as a value: what to say, and where the content is. Filled by a handler, rendered and
/// sent by the connection, which adds what is its own: Date, Connection, the framing.
struct Response {
  http::Status status = http::Status::ok;
  std::string_view content_type;  // static, of the configuration, or content_type_text
  std::string content_type_text;
  std::string_view allow;
  std::string_view cache_control;
  std::string_view security_policy;
  std::string_view content_encoding;  // static
  // Which fields of the request another response may come of; set_page() leaves them as they are.
  bool varies_by_encoding = false;
  bool varies_by_accept = false;
  bool varies_by_origin = false;
  std::string location;
  std::optional<http::Validators> validators;
  const http::HeaderRules* header_rules = nullptr;  // of the mount, with header_lines
  http::HeaderRules::Lines header_lines = 0;
  std::optional<http::Sha256Digest> representation_digest;
  std::optional<http::Sha256Digest> content_digest;
  bool accepts_ranges = false;
  std::optional<http::ByteRange> range;  // of 206 with one range
  std::uint64_t complete_length = 0;     // of the representation, for 206 and 416
  std::uint64_t content_length = 0;      // of the content; of what GET would send, for HEAD
  /// What there is instead of most of the above: the head of an earlier response like this one.
  const http::RenderedHead* rendered_head = nullptr;
  std::string_view site;        // of the configuration; for the access log
  std::string_view path;        // http::Path::relative; likewise
  bool closes = false;          // nothing more is to be read from this connection
  bool is_streamed = false;     // the length is not known: content_length means nothing
  http::RenderedFields fields;  // whatever else is to be said

  // The content: `text`, or a piece of `file` from file_offset on if there is one, or several
  // pieces of it with `multipart` between them, or what `source` yields if is_streamed (null where
  // only the head is wanted).
  std::string text;
  files::SharedFile file;
  std::uint64_t file_offset = 0;
  std::unique_ptr<http::MultipartRanges> multipart;  // of 206 with several ranges
  std::unique_ptr<BodySource> source;

  /// Whether only the end of the connection can end the content: a client of 1.0 knows no chunks.
  [[nodiscard]] bool ends_with_connection(http::Version version) const noexcept {
    return is_streamed && version == http::Version::http_1_0;
  }

  /// Ready for the next request; keeps the strings' room.
  void clear();
  /// The error page of `status` (or the page of a redirect), in place of whatever was there.
  void set_page(http::Status page_status);
  void set_text(std::string_view type, std::string content);
};

/// Renders the head into `buffer`. `keep_alive` decides the Connection field.
[[nodiscard]] std::expected<std::string_view, http::ResponseHeadError> render_head(
    const Response& response, const http::RequestHead& request, bool keep_alive,
    const http::DateLine& date, std::span<char> buffer);

}  // namespace sluiced::serve
