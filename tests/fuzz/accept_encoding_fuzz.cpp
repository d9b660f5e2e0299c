// Accept-Encoding (RFC 9110 sections 12.5.3 and 12.4.2) against an interpreter that keeps weights
// in a map and looks for the greatest: the same choice, whatever is there to choose from.
//
// The first byte says which codings are there and in which order; each line of the rest is a line
// of the field.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "field_lines.hpp"
#include "fuzz.hpp"
#include "http/accept_encoding.hpp"

namespace sluiced::fuzz {
namespace {

using http::ContentCoding;

constexpr auto kZstd = ContentCoding::zstd;
constexpr auto kBr = ContentCoding::br;
constexpr auto kGzip = ContentCoding::gzip;

const std::array<std::vector<ContentCoding>, 16> kAvailable = {{
    {},
    {kZstd},
    {kBr},
    {kGzip},
    {kZstd, kBr},
    {kBr, kZstd},
    {kZstd, kGzip},
    {kGzip, kZstd},
    {kBr, kGzip},
    {kGzip, kBr},
    {kZstd, kBr, kGzip},
    {kZstd, kGzip, kBr},
    {kBr, kZstd, kGzip},
    {kBr, kGzip, kZstd},
    {kGzip, kZstd, kBr},
    {kGzip, kBr, kZstd},
}};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; });
  return lower;
}

/// A qvalue as thousandths, by filling it up to "d.ddd" and comparing texts.
std::optional<int> weight_of(std::string text) {
  if (text.size() == 1) text += '.';
  if (text.size() < 2 || text.size() > 5 || text[1] != '.') return std::nullopt;
  text.resize(5, '0');
  text.erase(1, 1);
  if (text.find_first_not_of("0123456789") != std::string::npos || text > "1000") {
    return std::nullopt;
  }
  return std::stoi(text);
}

using Weights = std::map<std::string, int>;

Weights interpret(const std::vector<std::string_view>& lines) {
  Weights weights;
  for (const std::string_view line : lines) {
    for (const std::string_view member : split_at(line, ',')) {
      const auto semicolon = member.find(';');
      std::optional<int> weight = 1000;
      if (semicolon != std::string_view::npos) {
        const std::string parameter = lower_case(without_blanks(member.substr(semicolon + 1)));
        weight = parameter.starts_with("q=") ? weight_of(parameter.substr(2)) : std::nullopt;
      }
      std::string name = lower_case(without_blanks(member.substr(0, semicolon)));
      if (name == "x-gzip") name = "gzip";
      if (weight) weights[name] = *weight;
    }
  }
  return weights;
}

int weight_in(const Weights& weights, const std::string& name) {
  if (const auto found = weights.find(name); found != weights.end()) return found->second;
  const auto any = weights.find("*");
  return any == weights.end() ? 0 : any->second;
}

std::optional<ContentCoding> expect(const Weights& weights,
                                    const std::vector<ContentCoding>& available) {
  const auto weigh = [&](ContentCoding coding) {
    return weight_in(weights, std::string(http::coding_name(coding)));
  };
  // The first of the heaviest.
  const auto best = std::ranges::max_element(available, {}, weigh);
  if (best == available.end() || weigh(*best) == 0) return std::nullopt;
  return weigh(*best) >= weight_in(weights, "identity") ? std::optional(*best) : std::nullopt;
}

}  // namespace
}  // namespace sluiced::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluiced::fuzz;
  Input input(data, size);
  const auto& available = kAvailable[input.take_number() % kAvailable.size()];
  auto lines = split_at(input.rest(), '\n');
  const auto choose = [&available](const std::vector<std::string_view>& values)
      -> std::optional<std::optional<sluiced::http::ContentCoding>> {
    const RequestWithLines request("Accept-Encoding", values);
    if (!request.is_whole()) return std::nullopt;
    return sluiced::http::AcceptedCodings(request.fields()).best_of(available);
  };
  const auto chosen = choose(lines);
  if (!chosen) return 0;
  require(*chosen == expect(interpret(lines), available), "the choice is that of the interpreter");
  require(!*chosen || std::ranges::find(available, **chosen) != available.end(),
          "what is chosen is there");
  // Sections 5.3 and 5.6.1: several lines are one list, and empty members are none.
  std::string joined;
  for (const std::string_view line : lines) joined.append(line).append(" ,,\t");
  const auto same = choose({joined});
  require(!same || *same == *chosen, "several lines are one list");
  lines.emplace_back("compress;q=1, br;q=2, ;q=1");
  const auto with_others = choose(lines);
  require(!with_others || *with_others == *chosen, "what is not known or malformed is passed over");
  return 0;
}
