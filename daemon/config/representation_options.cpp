#include "config/representation_options.hpp"

#include <algorithm>
#include <expected>

#include "http/accept_encoding.hpp"
#include "http/characters.hpp"
#include "http/glob.hpp"
#include "http/header_rules.hpp"
#include "http/media_type.hpp"
#include "text/printable.hpp"

namespace sluiced::config {
namespace {

constexpr std::size_t kLongestValue = 1024;

std::unexpected<std::string> refused(std::string_view text, std::string_view why) {
  return std::unexpected(text::in_quotes(text::clipped(text, 80)) + ' ' + std::string(why));
}

std::string_view without_dot(std::string_view text) {
  return text.substr(text.starts_with('.') ? 1 : 0);
}

}  // namespace

Parsed<std::string> check_sidecar(std::string_view text) {
  if (!http::coding_of_extension(without_dot(text))) {
    return refused(text, "is not one of zst, br, gz");
  }
  return std::string(without_dot(text));
}

Parsed<std::string> check_glob(std::string_view text) {
  const auto glob = http::Glob::parse(text);
  if (!glob) {
    return refused(text, glob.error());
  }
  return std::string(text);
}

Parsed<std::string> check_response_field_name(std::string_view text) {
  const std::string_view flaw = http::flaw_in_field_name(text);
  if (!flaw.empty()) {
    return refused(text, flaw);
  }
  return std::string(text);
}

Parsed<std::string> check_field_value(std::string_view text) {
  const std::string_view flaw = http::flaw_in_field_value(text);
  if (!flaw.empty()) {
    return refused(text, flaw);
  }
  if (text.size() > kLongestValue) {
    return refused(text, "is longer than 1024 bytes");
  }
  return std::string(http::trim_blanks(text));
}

Parsed<void> check_value_of_field(std::string_view name, std::string_view value) {
  const std::string_view flaw = http::flaw_in_value_of_field(name, value);
  if (!flaw.empty()) {
    return refused(value, flaw);
  }
  return {};
}

Parsed<std::string> check_extension(std::string_view text) {
  std::string extension(without_dot(text));
  std::ranges::transform(extension, extension.begin(), http::to_lower);
  http::MediaTypeOverrides trial;
  // What follows the last dot of a name is looked up, so an extension has none.
  if (extension.find_first_of("./") != std::string::npos ||
      !trial.set(extension, http::kDefaultMediaType)) {
    return refused(text, "is not the extension of a file, such as .foo");
  }
  return extension;
}

Parsed<std::string> check_media_type(std::string_view text) {
  http::MediaTypeOverrides trial;
  if (!trial.set("x", text)) {
    return refused(text, "is not a media type, such as text/x-foo");
  }
  return std::string(text);
}

}  // namespace sluiced::config
