#include "http/target.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "http/characters.hpp"

namespace sluiced::http {
namespace {

/// What decode() has made of a target without its first slash.
struct Decoded {
  std::size_t raw_bytes = 0;  // of the path, which a '?' may follow
  std::size_t size = 0;       // of what is in the buffer
  /// Every component has a name that begins with no dot, and no slash follows the last one: what is
  /// so as a rule needs no other look.
  bool is_resolved = true;
};

/// Decodes `raw` up to its first '?' into `buffer`.
std::expected<Decoded, TargetError> decode(std::string_view raw, PathBuffer& buffer) {
  Decoded done;
  std::size_t size = 0;
  std::size_t i = 0;
  const auto begins_component = [&] { return size == 0 || buffer[size - 1] == '/'; };
  while (true) {
    // Most bytes stand for themselves, many in a row.
    const std::size_t run_end = i + std::min(raw.size() - i, kMaxPathBytes - size);
    while (i < run_end && is_plain_in_path(raw[i])) buffer[size++] = raw[i++];
    if (i == raw.size() || raw[i] == '?') break;

    char c = raw[i++];
    if (!is_target_character(c) || c == '\\') return std::unexpected(TargetError::forbidden_byte);
    if (c == '%') {
      const int high = i + 1 < raw.size() ? hex_digit_value(raw[i]) : -1;
      const int low = i + 1 < raw.size() ? hex_digit_value(raw[i + 1]) : -1;
      if (high < 0 || low < 0) return std::unexpected(TargetError::bad_escape);
      c = static_cast<char>((high << 4) | low);
      if (c == '\0') return std::unexpected(TargetError::encoded_nul);
      if (c == '/') return std::unexpected(TargetError::encoded_slash);
      i += 2;
    }
    if (size == kMaxPathBytes) return std::unexpected(TargetError::too_long);
    if ((c == '/' || c == '.') && begins_component()) done.is_resolved = false;
    buffer[size++] = c;
  }
  if (begins_component()) done.is_resolved = false;
  done.raw_bytes = i;
  done.size = size;
  return done;
}

/// Resolves the components of the first `size` bytes in place, writing "a/b/c" from the start of
/// the buffer: a result is never longer than what it is made of. Returns the number of bytes.
std::expected<std::size_t, TargetError> resolve_dot_segments(PathBuffer& buffer, std::size_t size,
                                                             bool& ends_in_slash) {
  std::size_t written = 0;
  std::size_t next = 0;
  ends_in_slash = true;
  while (next < size) {
    const std::size_t start = next;
    while (next < size && buffer[next] != '/') ++next;
    const std::string_view component(buffer.data() + start, next - start);
    const bool last = next == size;
    if (!last) ++next;
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      if (written == 0) return std::unexpected(TargetError::above_root);
      const std::size_t slash = std::string_view(buffer.data(), written).rfind('/');
      written = slash == std::string_view::npos ? 0 : slash;
      continue;
    }
    if (written != 0) buffer[written++] = '/';
    if (written != start) {
      std::memmove(buffer.data() + written, component.data(), component.size());
    }
    written += component.size();
    ends_in_slash = !last;
  }
  return written;
}

/// Looks at each component of a path that is resolved.
std::optional<TargetError> inspect_components(std::string_view relative, bool& is_hidden) {
  std::size_t start = 0;
  while (start < relative.size()) {
    const std::size_t slash = relative.find('/', start);
    const std::string_view component = relative.substr(start, slash - start);
    if (component.size() > kMaxComponentBytes) return TargetError::component_too_long;
    const bool is_well_known = start == 0 && component == ".well-known";
    if (component.front() == '.' && !is_well_known) is_hidden = true;
    if (slash == std::string_view::npos) break;
    start = slash + 1;
  }
  return std::nullopt;
}

void append_escape(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out.push_back('%');
  out.push_back(kDigits[byte >> 4]);
  out.push_back(kDigits[byte & 0xf]);
}

}  // namespace

std::expected<Path, TargetError> normalise_target(std::string_view target, PathBuffer& buffer) {
  Path path;
  std::string_view raw = target;
  if (!raw.empty() && raw.front() != '?') {
    if (raw.front() != '/') return std::unexpected(TargetError::not_absolute);
    raw.remove_prefix(1);
  }

  const auto decoded = decode(raw, buffer);
  if (!decoded) return std::unexpected(decoded.error());
  if (decoded->raw_bytes < raw.size()) {
    path.has_query = true;
    path.query = raw.substr(decoded->raw_bytes + 1);
  }
  std::size_t size = decoded->size;
  if (!decoded->is_resolved) {
    const auto resolved = resolve_dot_segments(buffer, size, path.ends_in_slash);
    if (!resolved) return std::unexpected(resolved.error());
    size = *resolved;
  }
  buffer[size] = '\0';
  path.relative = std::string_view(buffer.data(), size);
  if (!decoded->is_resolved || size > kMaxComponentBytes) {
    if (const auto error = inspect_components(path.relative, path.is_hidden)) {
      return std::unexpected(*error);
    }
  }
  if (path.relative.empty()) path.relative = ".";
  return path;
}

Status target_error_status(TargetError error) {
  switch (error) {
    case TargetError::component_too_long:
      return Status::not_found;
    case TargetError::too_long:
      return Status::uri_too_long;
    default:
      return Status::bad_request;
  }
}

std::string_view target_error_label(TargetError error) {
  switch (error) {
    case TargetError::not_absolute:
      return "not_absolute";
    case TargetError::forbidden_byte:
      return "forbidden_byte";
    case TargetError::bad_escape:
      return "bad_encoding";
    case TargetError::encoded_nul:
      return "encoded_nul";
    case TargetError::encoded_slash:
      return "encoded_slash";
    case TargetError::above_root:
      return "escape";
    case TargetError::component_too_long:
    case TargetError::too_long:
      return "too_long";
  }
  return "unknown";
}

void append_encoded(std::string& out, std::string_view path) {
  for (const char c : path) {
    if (is_unreserved(c) || c == '/') {
      out.push_back(c);
    } else {
      append_escape(out, c);
    }
  }
}

void append_query(std::string& out, std::string_view query) {
  constexpr std::string_view kNotInUris = "\"<>\\^`{|} ";
  for (const char c : query) {
    if (is_control(c) || static_cast<unsigned char>(c) >= 0x80 ||
        kNotInUris.find(c) != std::string_view::npos) {
      append_escape(out, c);
    } else {
      out.push_back(c);
    }
  }
}

std::string encode_path(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  std::string encoded = "/";
  append_encoded(encoded, path);
  return encoded;
}

}  // namespace sluiced::http
