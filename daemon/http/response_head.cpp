#include "http/response_head.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <system_error>

namespace sluiced::http {
namespace {

constexpr std::string_view kColon = ": ";
constexpr std::string_view kCrlf = "\r\n";

}  // namespace

bool is_field_value(std::string_view value) {
  const char* const end = value.data() + value.size();
  const char* next = find_control(value.data(), end);
  while (next != end && *next == '\t') next = find_control(next + 1, end);
  return next == end;
}

bool RenderedFields::add(std::string_view name, std::string_view value) {
  if (!is_token(name) || !is_field_value(value)) return false;
  text_.append(name).append(": ").append(value).append(kCrlf);
  return true;
}

DateLine::DateLine(UnixSeconds now) {
  std::ranges::copy(kName, text_.begin());
  std::ranges::copy(kCrlf, text_.end() - kCrlf.size());
  update(now);
}

void DateLine::update(UnixSeconds now) {
  time_ = now;
  std::ranges::copy(format_http_date(now), text_.begin() + kName.size());
}

ResponseHeadWriter::ResponseHeadWriter(std::span<char> buffer)
    : begin_(buffer.data()), next_(begin_), end_(begin_ + buffer.size()) {}

void ResponseHeadWriter::put(std::string_view text) {
  if (failed_) return;
  if (static_cast<std::size_t>(end_ - next_) < text.size()) {
    failed_ = true;
    return;
  }
  std::char_traits<char>::copy(next_, text.data(),
                               text.size());  // Unlike memcpy, takes nothing too.
  next_ += text.size();
}

void ResponseHeadWriter::put_number(std::uint64_t value) {
  if (failed_) return;
  const auto result = std::to_chars(next_, end_, value);
  failed_ = result.ec != std::errc();
  if (!failed_) next_ = result.ptr;
}

void ResponseHeadWriter::put_name(FieldName name) {
  put(name.text());
  put(kColon);
}

/// A whole line with one look at the room that is left: there are several in each response.
void ResponseHeadWriter::put_line(FieldName name, std::string_view value) {
  const std::size_t name_bytes = name.text().size();
  const std::size_t bytes = name_bytes + kColon.size() + value.size() + kCrlf.size();
  if (failed_) return;
  if (static_cast<std::size_t>(end_ - next_) < bytes) {
    failed_ = true;
    return;
  }
  char* out = next_;
  std::memcpy(out, name.text().data(), name_bytes);
  std::memcpy(out += name_bytes, kColon.data(), kColon.size());
  std::char_traits<char>::copy(out += kColon.size(), value.data(), value.size());
  std::memcpy(out + value.size(), kCrlf.data(), kCrlf.size());
  next_ += bytes;
}

void ResponseHeadWriter::status(Status status) {
  const unsigned code = status_code(status);
  std::array<char, 13> start = {'H', 'T', 'T', 'P', '/', '1', '.', '1', ' ', '0', '0', '0', ' '};
  start[9] = static_cast<char>('0' + code / 100);
  start[10] = static_cast<char>('0' + code / 10 % 10);
  start[11] = static_cast<char>('0' + code % 10);
  put({start.data(), start.size()});
  put(reason_phrase(status));
  put(kCrlf);
}

void ResponseHeadWriter::field(FieldName name, std::string_view value) {
  if (!failed_ && !is_field_value(value)) {
    failed_ = true;
    error_ = ResponseHeadError::refused_value;
  }
  put_line(name, value);
}

void ResponseHeadWriter::field(FieldName name, std::uint64_t value) {
  put_name(name);
  put_number(value);
  put(kCrlf);
}

void ResponseHeadWriter::date_field(FieldName name, UnixSeconds time) {
  const HttpDate date = format_http_date(time);
  put_line(name, {date.data(), date.size()});
}

void ResponseHeadWriter::content_range(std::uint64_t first, std::uint64_t last,
                                       std::uint64_t length) {
  put("Content-Range: bytes ");
  put_number(first);
  put("-");
  put_number(last);
  put("/");
  put_number(length);
  put(kCrlf);
}

void ResponseHeadWriter::unsatisfied_range(std::uint64_t length) {
  put("Content-Range: bytes */");
  put_number(length);
  put(kCrlf);
}

RenderedHead::RenderedHead(std::string_view head)
    : text_(head.substr(0, head.size() - kCrlf.size())),
      date_position_(head.find(kCrlf) + kCrlf.size()) {}

std::expected<std::string_view, ResponseHeadError> RenderedHead::write(
    std::span<char> buffer, const DateLine& date, std::string_view connection) const {
  const std::size_t bytes = text_.size() + connection.size() + kCrlf.size();
  if (buffer.size() < bytes) return std::unexpected(ResponseHeadError::buffer_full);
  // Not std::ranges::copy, which g++ 12 compiles to a loop over bytes.
  char* const out = buffer.data();
  std::memcpy(out, text_.data(), text_.size());
  std::memcpy(out + date_position_, date.text().data(), date.text().size());
  std::char_traits<char>::copy(out + text_.size(), connection.data(), connection.size());
  std::memcpy(out + bytes - kCrlf.size(), kCrlf.data(), kCrlf.size());
  return std::string_view(buffer.data(), bytes);
}

std::expected<std::string_view, ResponseHeadError> ResponseHeadWriter::finish() {
  put(kCrlf);
  if (failed_) return std::unexpected(error_);
  return std::string_view(begin_, static_cast<std::size_t>(next_ - begin_));
}

}  // namespace sluiced::http
