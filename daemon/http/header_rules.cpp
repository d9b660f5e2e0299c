#include "http/header_rules.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "http/characters.hpp"
#include "http/response_head.hpp"
#include "http/vary.hpp"

namespace sluiced::http {
namespace {

struct OwnedField {
  std::string_view name;
  std::string_view flaw;
};

constexpr std::string_view kFraming = "frames the message, which sluiced does itself";
constexpr std::string_view kSent = "is sent by sluiced itself";
constexpr std::string_view kCorsPrefix = "access-control-";
constexpr std::string_view kCors = "is sent by sluiced itself: see 'cors'";

constexpr auto kOwnedFields = std::to_array<OwnedField>({
    {"accept-ranges", kSent},
    {"allow", kSent},
    {"connection", kFraming},
    {"content-digest", "is sent by sluiced itself: see 'digest'"},
    {"content-encoding", "is sent by sluiced itself: see 'sidecars'"},
    {"content-length", kFraming},
    {"content-range", kSent},
    {"content-type", "is sent by sluiced itself: see 'types'"},
    {"date", kSent},
    {"etag", kSent},
    {"keep-alive", kFraming},
    {"last-modified", kSent},
    {"location", "is sent by sluiced itself: see 'redirects'"},
    {"proxy-connection", kFraming},
    {"repr-digest", "is sent by sluiced itself: see 'digest'"},
    {"retry-after", kSent},
    {"te", kFraming},
    {"trailer", kFraming},
    {"transfer-encoding", kFraming},
    {"upgrade", kFraming},
    {"x-content-type-options", kSent},
});

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), to_lower);
  return lower;
}

bool is_vary(std::string_view name) { return equals_ignoring_case(name, "vary"); }

bool is_content_metadata(std::string_view lower_name) {
  return lower_name == "content-language" || lower_name == "content-disposition";
}

}  // namespace

std::string_view flaw_in_field_name(std::string_view name) {
  if (!is_token(name)) return "is not the name of a field";
  if (equals_ignoring_case(name.substr(0, kCorsPrefix.size()), kCorsPrefix)) return kCors;
  const auto owned = std::ranges::find_if(kOwnedFields, [name](const OwnedField& field) {
    return equals_ignoring_case(name, field.name);
  });
  return owned == kOwnedFields.end() ? std::string_view() : owned->flaw;
}

std::string_view flaw_in_field_value(std::string_view value) {
  if (!is_field_value(value)) return "holds a line break or another control character";
  if (trim_blanks(value).empty()) return "is empty";
  return {};
}

std::string_view flaw_in_value_of_field(std::string_view name, std::string_view value) {
  if (is_vary(name) && !is_vary_value(value)) return "is not a list of the names of fields";
  return {};
}

HeaderRules::Lines HeaderRules::lines_named(std::string_view lower_name) const {
  Lines named = 0;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    if (lines_[i].name == lower_name) named |= Lines{1} << i;
  }
  return named;
}

std::expected<void, std::string> HeaderRules::add(
    std::string_view pattern, const std::map<std::string, std::string, std::less<>>& set,
    const std::vector<std::string>& unset) {
  auto glob = Glob::parse(pattern);
  if (!glob) return std::unexpected("the pattern " + std::string(glob.error()));
  Rule rule{*std::move(glob)};
  for (const std::string& name : unset) rule.replaces |= lines_named(lower_case(name));
  std::vector<Line> added;
  std::size_t bytes = bytes_;
  for (const auto& [name, value] : set) {
    if (!flaw_in_field_name(name).empty() || !flaw_in_field_value(value).empty() ||
        !flaw_in_value_of_field(name, value).empty()) {
      return std::unexpected("a field that may not be set");
    }
    Line line{lower_case(name), name + ": " + std::string(trim_blanks(value)) + "\r\n"};
    if (std::ranges::find(added, line.name, &Line::name) != added.end()) {
      return std::unexpected("a field that is set twice");
    }
    rule.replaces |= lines_named(line.name);
    bytes += line.text.size();
    added.push_back(std::move(line));
  }
  if (lines_.size() + added.size() > kMostLines || bytes > kMostBytes) {
    return std::unexpected("the rules for fields set more than 64 fields or 2048 bytes");
  }
  for (std::size_t i = lines_.size(); i < lines_.size() + added.size(); ++i) {
    rule.sets |= Lines{1} << i;
    const Line& line = added[i - lines_.size()];
    if (is_content_metadata(line.name)) content_metadata_ |= Lines{1} << i;
    if (is_vary(line.name)) vary_ |= Lines{1} << i;
  }
  std::ranges::move(added, std::back_inserter(lines_));
  bytes_ = bytes;
  rules_.push_back(std::move(rule));
  return {};
}

std::string_view HeaderRules::vary(Lines lines) const {
  if ((lines & vary_) == 0) return {};
  const Line& line = lines_[static_cast<std::size_t>(std::countr_zero(lines & vary_))];
  std::string_view value = line.text;
  value.remove_prefix(line.name.size() + std::string_view(": ").size());
  value.remove_suffix(std::string_view("\r\n").size());
  return value;
}

HeaderRules::Lines HeaderRules::select(std::string_view path) const {
  Lines selected = 0;
  for (const Rule& rule : rules_) {
    if (rule.pattern.matches(path)) selected = (selected & ~rule.replaces) | rule.sets;
  }
  return selected;
}

}  // namespace sluiced::http
