#include "http/accept.hpp"

#include "http/characters.hpp"

namespace sluiced::http {
namespace {

// Qualities in thousandths, as RFC 9110 section 12.4.2 writes them.
constexpr int kWholeQuality = 1000;
constexpr int kNotNamed = -1;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Takes what stands before `separator` off the front of `text`; separators within quotes are none.
std::string_view take_until(std::string_view& text, char separator) {
  bool quoted = false;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '"') {
      quoted = !quoted;
    } else if (quoted && text[at] == '\\') {
      ++at;
    } else if (!quoted && text[at] == separator) {
      break;
    }
  }
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at < text.size() ? at + 1 : text.size());
  return trimmed(taken);
}

/// "0", "0.5", "1.000" as thousandths.
std::optional<int> parse_quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1') ||
      (text.size() > 1 && text[1] != '.')) {
    return std::nullopt;
  }
  int quality = (text[0] - '0') * kWholeQuality;
  int weight = 100;
  for (std::size_t at = 2; at < text.size(); ++at, weight /= 10) {
    if (!is_digit(text[at])) return std::nullopt;
    quality += (text[at] - '0') * weight;
  }
  return quality <= kWholeQuality ? std::optional(quality) : std::nullopt;
}

struct MediaRange {
  std::string_view name;
  int quality = kWholeQuality;
};

std::optional<MediaRange> parse_member(std::string_view member) {
  MediaRange range;
  range.name = take_until(member, ';');
  if (range.name.empty()) return std::nullopt;
  while (!member.empty()) {
    const std::string_view parameter = take_until(member, ';');
    if (parameter.size() >= 2 && to_lower(parameter[0]) == 'q' && parameter[1] == '=') {
      const auto quality = parse_quality(parameter.substr(2));
      if (!quality) return std::nullopt;
      range.quality = *quality;
      break;
    }
  }
  return range;
}

/// How exactly a range names a type: 2 by its name, 1 as "text/*", 0 as "*/*".
int exactness(std::string_view range, std::string_view type) {
  if (equals_ignoring_case(range, type)) return 2;
  if (range == "*/*") return 0;
  const std::string_view kind = type.substr(0, type.find('/') + 1);
  return range.ends_with("/*") && equals_ignoring_case(range.substr(0, range.size() - 1), kind)
             ? 1
             : kNotNamed;
}

/// What the fields say of one type; the range that names it most exactly decides.
struct Verdict {
  int exactness = kNotNamed;
  int quality = 0;
};

Verdict judge(const FieldTable& fields, std::string_view type) {
  Verdict verdict;
  fields.for_each(KnownField::accept, [&verdict, type](std::string_view list) {
    while (!list.empty()) {
      const auto range = parse_member(take_until(list, ','));
      const int exact = range ? exactness(range->name, type) : kNotNamed;
      if (exact > verdict.exactness) verdict = {exact, range->quality};
    }
    return true;
  });
  return verdict;
}

}  // namespace

std::optional<std::size_t> preferred_media_type(const FieldTable& fields,
                                                std::span<const std::string_view> offered) {
  if (!fields.has(KnownField::accept)) return 0;
  std::optional<std::size_t> best;
  Verdict best_verdict;
  for (std::size_t index = 0; index < offered.size(); ++index) {
    const Verdict verdict = judge(fields, offered[index]);
    if (verdict.quality > best_verdict.quality ||
        (best && verdict.quality == best_verdict.quality &&
         verdict.exactness > best_verdict.exactness)) {
      best = index;
      best_verdict = verdict;
    }
  }
  return best;
}

}  // namespace sluiced::http
