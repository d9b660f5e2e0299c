// The path of a target: never out of the root, and what a slow reading of RFC 3986 section 5.2.4
// makes of the same text.
#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.hpp"
#include "http/target.hpp"

namespace sluiced::fuzz {
namespace {

constexpr std::string_view kHexadecimal = "0123456789abcdefABCDEF";

/// Cuts at every slash; a text without one is one component.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> components(1);
  for (const char c : text) {
    if (c == '/') {
      components.emplace_back();
    } else {
      components.back().push_back(c);
    }
  }
  return components;
}

/// The components that `target` names, or nothing if it names none.
std::optional<std::vector<std::string>> resolve(std::string_view target) {
  const std::string_view raw = target.substr(0, target.find('?'));
  if (!raw.empty() && raw.front() != '/') return std::nullopt;
  std::string decoded;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\') return std::nullopt;
    if (raw[i] != '%') {
      decoded.push_back(raw[i]);
      continue;
    }
    const std::string digits(raw.substr(i + 1, 2));
    if (digits.size() != 2 || digits.find_first_not_of(kHexadecimal) != std::string::npos) {
      return std::nullopt;
    }
    const auto byte = static_cast<char>(std::stoi(digits, nullptr, 16));
    if (byte == '\0' || byte == '/') return std::nullopt;
    decoded.push_back(byte);
    i += 2;
  }
  std::vector<std::string> path;
  for (const std::string& component : split(decoded)) {
    if (component.empty() || component == ".") continue;
    if (component != "..") {
      path.push_back(component);
    } else if (path.empty()) {
      return std::nullopt;
    } else {
      path.pop_back();
    }
  }
  return path;
}

std::string join(const std::vector<std::string>& components) {
  std::string text;
  for (const std::string& component : components) {
    text.append(text.empty() ? "" : "/").append(component);
  }
  return text.empty() ? "." : text;
}

void check_path(std::string_view target, const http::Path& path) {
  const std::string_view relative = path.relative;
  require(!relative.empty() && relative.front() != '/', "a path is relative, and something");
  require(relative.find('\0') == std::string_view::npos, "no NUL in a path");
  require(*(relative.data() + relative.size()) == '\0' || path.is_root(), "a NUL behind a path");
  require(relative.size() <= http::kMaxPathBytes, "a path has room in the kernel");
  bool is_hidden = false;
  const auto components = split(relative);
  for (std::size_t i = 0; i < components.size(); ++i) {
    const std::string& name = components[i];
    require(!name.empty() && name.size() <= http::kMaxComponentBytes, "a component is a name");
    require(name != "..", "no path goes up");
    require(name != "." || path.is_root(), "no path stands still");
    is_hidden =
        is_hidden || (name.front() == '.' && name != "." && (i > 0 || name != ".well-known"));
  }
  require(is_hidden == path.is_hidden, "hidden is what begins with a dot");
  const std::filesystem::path root = "/srv/root";
  const std::string joined = (root / relative).lexically_normal().native();
  require(joined == "/srv/root/" || joined.starts_with("/srv/root/"), "a path is below the root");
  const auto question_mark = target.find('?');
  require(path.has_query == (question_mark != std::string_view::npos), "a query needs its mark");
  require(!path.has_query || path.query == target.substr(question_mark + 1), "a query is the rest");
}

void check_round_trip(const http::Path& path) {
  const std::string uri = http::encode_path(path.is_root() ? "" : path.relative);
  require(uri.starts_with('/') && !uri.starts_with("//"), "a location names no other host");
  require(uri.find_first_of("\r\n\"<>?#\\: ") == std::string::npos, "a location has no markup");
  http::PathBuffer buffer;
  const auto again = http::normalise_target(uri, buffer);
  require(again && again->relative == path.relative, "a path that is encoded means the same");
}

}  // namespace
}  // namespace sluiced::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluiced::fuzz;
  using sluiced::http::TargetError;
  const std::string target(reinterpret_cast<const char*>(data), size);
  sluiced::http::PathBuffer buffer;
  const auto path = sluiced::http::normalise_target(target, buffer);
  const auto expected = resolve(target);
  if (path) {
    require(expected.has_value(), "what has no path is refused");
    require(join(*expected) == path->relative, "the path is that of the slow reading");
    check_path(target, *path);
    check_round_trip(*path);
    return 0;
  }
  require(!sluiced::http::target_error_label(path.error()).empty(), "an error has a name");
  const bool is_size_or_byte = path.error() == TargetError::forbidden_byte ||
                               path.error() == TargetError::component_too_long ||
                               path.error() == TargetError::too_long;
  require(is_size_or_byte || !expected, "what has a path is refused for its bytes or size alone");
  return 0;
}
