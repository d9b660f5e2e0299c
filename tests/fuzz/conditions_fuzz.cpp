// Conditions (RFC 9110 section 13), the entity tags in them (8.8.3) and HTTP dates (5.6.7).
//
// The first byte chooses: field lines as the fuzzer writes them; fields put together from members
// whose meaning is known, so that the outcome is known too; or a date, against timegm(3).
#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fuzz.hpp"
#include "http/conditions.hpp"
#include "http/request_head.hpp"

namespace sluiced::fuzz {
namespace {

using http::Method;
using http::PreconditionResult;
using http::UnixSeconds;
using http::Validators;

constexpr UnixSeconds kNow = 1'800'000'000;
constexpr UnixSeconds kModified = 1'700'000'000;

Validators validators_of(bool is_hot) {
  return http::make_validators({{is_hot ? kNow : kModified, 5}, 100, 7}, {kNow, 10});
}

/// Evaluates a request with these field lines; nothing if it has no fields that can be read.
struct Evaluated {
  PreconditionResult result;
  bool range_applies;
};

std::optional<Evaluated> evaluate(Method method, std::string_view lines,
                                  const Validators* current) {
  const auto head = std::make_unique<http::RequestHead>();
  std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
  text.append(lines).append("\r\n");
  const auto length = http::parse_request_head(text, {}, *head);
  if (!length || *length != text.size()) return std::nullopt;
  Evaluated outcome{http::evaluate_preconditions(method, head->fields, current, kNow), false};
  if (current != nullptr) {
    outcome.range_applies = http::range_applies(method, head->fields, *current, kNow);
  }
  return outcome;
}

void check_lines(Method method, std::string_view lines, const Validators& current) {
  const auto outcome = evaluate(method, lines, &current);
  if (!outcome) return;
  std::string lower(lines);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const bool is_read = method == Method::get || method == Method::head;
  if (lower.find("if-") == std::string::npos) {
    require(outcome->result == PreconditionResult::proceed, "without conditions all is well");
  }
  require(is_read || outcome->result != PreconditionResult::not_modified, "304 is for reads");
  require(!outcome->range_applies || method == Method::get, "ranges are for GET");
  require(!outcome->range_applies || lower.find("range") != std::string::npos, "no range, no 206");
  require(evaluate(method, lines, nullptr).has_value(), "what exists does not change the grammar");
}

/// A list of entity tags under construction, and what it means to a strong and a weak comparison.
struct List {
  std::string text;
  bool has_strong = false;
  bool has_weak = false;  // Holds too where has_strong does.
  bool is_star = false;
};

List build_list(Input& input, const Validators& current) {
  const std::string opaque(current.etag->opaque());
  List list;
  const unsigned members = input.take_number() % 6;
  for (unsigned i = 0; i < members; ++i) {
    const std::uint8_t choice = input.take_number();
    if (i > 0) list.text.append(choice % 2 == 0 ? "," : " ,\t");
    switch (choice / 2 % 5) {
      case 0:
        list.text.append("\"other\"");
        break;
      case 1:
        list.text.append("W/" + opaque);
        list.has_weak = true;
        break;
      case 2:
        list.text.append(opaque);
        list.has_strong = list.has_strong || !current.etag->is_weak();
        list.has_weak = true;
        break;
      case 3:
        list.text.append("W/\"a,b\"");
        break;
      default:
        break;  // An empty member.
    }
  }
  if (members == 0) {
    list.text.assign(1, '*');
    list.is_star = true;
  }
  return list;
}

/// The order of section 13.2.2, written down once more.
PreconditionResult expect(Method method, const std::optional<List>& if_match,
                          std::optional<UnixSeconds> unmodified_since,
                          const std::optional<List>& if_none_match,
                          std::optional<UnixSeconds> modified_since, const Validators& current) {
  const bool is_read = method == Method::get || method == Method::head;
  if (if_match && !if_match->is_star && !if_match->has_strong) {
    return PreconditionResult::precondition_failed;
  }
  if (!if_match && unmodified_since && *current.last_modified > *unmodified_since) {
    return PreconditionResult::precondition_failed;
  }
  if (if_none_match) {
    if (!if_none_match->is_star && !if_none_match->has_weak) return PreconditionResult::proceed;
    return is_read ? PreconditionResult::not_modified : PreconditionResult::precondition_failed;
  }
  if (is_read && modified_since && *current.last_modified <= *modified_since) {
    return PreconditionResult::not_modified;
  }
  return PreconditionResult::proceed;
}

void check_built(Method method, Input& input, const Validators& current) {
  const std::uint8_t which = input.take_number();
  std::string lines;
  std::optional<List> if_match;
  std::optional<List> if_none_match;
  const auto add_list = [&](const char* name, std::optional<List>& list) {
    list = build_list(input, current);
    lines.append(name).append(": ").append(list->text).append("\r\n");
  };
  const auto add_date = [&](const char* name) {
    const UnixSeconds date = *current.last_modified + input.take_number() % 3 - 1;
    const http::HttpDate text = http::format_http_date(date);
    lines.append(name).append(": ").append(text.data(), text.size()).append("\r\n");
    return date;
  };
  std::optional<UnixSeconds> unmodified_since;
  std::optional<UnixSeconds> modified_since;
  if ((which & 1U) != 0) add_list("If-Match", if_match);
  if ((which & 2U) != 0) unmodified_since = add_date("If-Unmodified-Since");
  if ((which & 4U) != 0) add_list("If-None-Match", if_none_match);
  if ((which & 8U) != 0) modified_since = add_date("If-Modified-Since");
  const auto outcome = evaluate(method, lines, &current);
  require(outcome.has_value(), "what was put together is a head");
  require(outcome->result ==
              expect(method, if_match, unmodified_since, if_none_match, modified_since, current),
          "the outcome is that of section 13.2.2");
}

void check_date(std::string_view text) {
  const auto time = http::parse_http_date(text, kNow);
  if (!time) return;
  require(text.size() >= 24 && text.size() <= 33, "a date has the size of one of its forms");
  constexpr UnixSeconds kYear1 = -62135596800;
  constexpr UnixSeconds kYear10000 = 253402300800;
  if (*time < kYear1 || *time >= kYear10000) return;  // They can be read, but not written.
  const http::HttpDate formatted = http::format_http_date(*time);
  const std::string_view again(formatted.data(), formatted.size());
  require(http::parse_http_date(again, kNow) == time, "a date that is written means the same");
  if (text.size() != http::kHttpDateBytes || !text.ends_with(" GMT") || text[3] != ',') return;
  std::tm parts{};
  const std::string copy(text.substr(5));
  const char* end = ::strptime(copy.c_str(), "%d %b %Y %H:%M:%S GMT", &parts);
  require(end != nullptr && *end == '\0', "strptime takes it too");
  require(::timegm(&parts) == *time, "timegm comes to the same second");
  if (text.find(":60 ") == std::string_view::npos) {
    require(again.substr(5) == text.substr(5), "all but the day's name is as it was");
  }
}

}  // namespace
}  // namespace sluiced::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluiced::fuzz;
  constexpr std::array kMethods = {Method::get, Method::head, Method::put, Method::delete_};
  Input input(data, size);
  const unsigned mode = input.take_number() % 3;
  const std::uint8_t choice = input.take_number();
  const Method method = kMethods[choice % kMethods.size()];
  const Validators current = validators_of(choice / 4 % 2 == 1);
  if (mode == 0) check_lines(method, input.rest(), current);
  if (mode == 1) check_built(method, input, current);
  if (mode == 2) check_date(input.rest());
  return 0;
}
