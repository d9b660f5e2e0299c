#include "http/accept_encoding.hpp"

#include <algorithm>

#include "http/characters.hpp"

namespace sluiced::http {
namespace {

struct Coding {
  std::string_view name;
  std::string_view suffix;
};

// In the order of ContentCoding.
constexpr std::array<Coding, kContentCodingCount> kCodings{
    {{"zstd", ".zst"}, {"br", ".br"}, {"gzip", ".gz"}}};

constexpr int kFullWeight = 1000;

/// The thousandths of a qvalue: "0" or "1", a dot, and up to three digits, which are zeros after 1
/// (section 12.4.2).
std::optional<int> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int weight = (text[0] - '0') * kFullWeight;
  int digit_weight = kFullWeight / 10;
  for (const char c : text.substr(std::min<std::size_t>(text.size(), 2))) {
    if (!is_digit(c)) return std::nullopt;
    weight += (c - '0') * digit_weight;
    digit_weight /= 10;
  }
  return weight <= kFullWeight ? std::optional(weight) : std::nullopt;
}

}  // namespace

std::string_view coding_name(ContentCoding coding) {
  return kCodings[static_cast<std::size_t>(coding)].name;
}

std::string_view coding_suffix(ContentCoding coding) {
  return kCodings[static_cast<std::size_t>(coding)].suffix;
}

std::optional<ContentCoding> coding_of_extension(std::string_view extension) {
  for (std::size_t i = 0; i < kCodings.size(); ++i) {
    if (kCodings[i].suffix.substr(1) == extension) return static_cast<ContentCoding>(i);
  }
  return std::nullopt;
}

AcceptedCodings::AcceptedCodings(const FieldTable& fields) {
  fields.for_each(KnownField::accept_encoding, [this](std::string_view list) {
    while (!list.empty()) read_member(take_list_member(list));
    return true;
  });
}

void AcceptedCodings::read_member(std::string_view member) {
  const std::size_t semicolon = member.find(';');
  const std::string_view name = trim_blanks(member.substr(0, semicolon));
  int weight = kFullWeight;
  if (semicolon != std::string_view::npos) {
    const std::string_view parameter = trim_blanks(member.substr(semicolon + 1));
    if (!equals_ignoring_case(parameter.substr(0, 2), "q=")) return;
    const auto parsed = parse_weight(parameter.substr(2));
    if (!parsed) return;
    weight = *parsed;
  }
  if (name == "*") {
    any_ = weight;
  } else if (equals_ignoring_case(name, "identity")) {
    identity_ = weight;
  } else if (equals_ignoring_case(name, "x-gzip")) {
    weights_[static_cast<std::size_t>(ContentCoding::gzip)] = weight;
  } else {
    for (std::size_t i = 0; i < kCodings.size(); ++i) {
      if (equals_ignoring_case(name, kCodings[i].name)) weights_[i] = weight;
    }
  }
}

std::optional<ContentCoding> AcceptedCodings::best_of(
    std::span<const ContentCoding> available) const {
  // The plain form is acceptable without being named, but whoever names others prefers those.
  int best_weight = std::max(identity_ != kNotNamed ? identity_ : any_, 0);
  std::optional<ContentCoding> best;
  for (const ContentCoding coding : available) {
    const int named = weights_[static_cast<std::size_t>(coding)];
    const int weight = named != kNotNamed ? named : any_;
    const bool wins = best ? weight > best_weight : weight >= best_weight;
    if (weight > 0 && wins) {
      best = coding;
      best_weight = weight;
    }
  }
  return best;
}

}  // namespace sluiced::http
