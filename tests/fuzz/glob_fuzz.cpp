// A pattern against a path: what Glob says is what a table of all their beginnings says, which
// needs no rule about where to go on after a byte that does not fit.
//
// The first line of the input is the pattern, and the rest the path.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "field_lines.hpp"
#include "fuzz.hpp"
#include "http/glob.hpp"

namespace sluiced::fuzz {
namespace {

using http::Glob;

// Steps of the table for one input: a second or so with sanitizers.
constexpr std::size_t kMostSteps = 4'000'000;

/// All patterns without braces that one with braces stands for; up to one more than are allowed.
std::vector<std::string> alternatives(std::string_view pattern) {
  std::vector<std::string> made{""};
  while (!pattern.empty()) {
    std::vector<std::string_view> choices{pattern.substr(0, 1)};
    std::size_t length = 1;
    if (pattern[0] == '{') {
      length = pattern.find('}') + 1;
      choices = split_at(pattern.substr(1, length - 2), ',');
    }
    pattern.remove_prefix(length);
    std::vector<std::string> next;
    for (const std::string& begun : made) {
      for (const std::string_view choice : choices) {
        if (next.size() <= Glob::kMostAlternatives) next.push_back(begun + std::string(choice));
      }
    }
    made = std::move(next);
  }
  return made;
}

/// Whether "**/" at `at` may stand for nothing.
bool is_folder_wildcard(std::string_view glob, std::size_t at) {
  return glob.substr(at, 3) == "**/" && (at == 0 || glob[at - 1] == '/');
}

std::size_t count_of(const std::vector<std::string>& globs) {
  std::size_t count = 0;
  for (const std::string_view glob : globs) {
    std::size_t ways = 1;
    for (std::size_t at = 0; at < glob.size(); ++at) {
      if (is_folder_wildcard(glob, at)) ways = std::min<std::size_t>(2 * ways, 1000);
    }
    count += ways;
  }
  return count;
}

/// fits[t] after g bytes of the pattern: whether those may stand for the first t bytes of the text.
bool matches_by_table(std::string_view glob, std::string_view text) {
  std::vector<std::vector<bool>> fits(glob.size() + 1, std::vector<bool>(text.size() + 1));
  fits[0][0] = true;
  for (std::size_t g = 0; g < glob.size(); ++g) {
    const bool is_any = glob.substr(g, 2) == "**";
    const std::size_t next = g + (is_any ? 2 : 1);
    bool within = false;  // Something before began a run of bytes for a star.
    for (std::size_t t = 0; t <= text.size(); ++t) {
      const bool begins = fits[g][t];
      if (begins && is_folder_wildcard(glob, g)) fits[g + 3][t] = true;
      if (glob[g] == '*') {
        within = (within && (is_any || text[t - 1] != '/')) || begins;
        if (within) fits[next][t] = true;
      } else if (begins && t < text.size() &&
                 (glob[g] == text[t] || (glob[g] == '?' && text[t] != '/'))) {
        fits[next][t + 1] = true;
      }
    }
  }
  return fits[glob.size()][text.size()];
}

bool is_sound(std::string_view pattern) {
  int depth = 0;
  for (const char c : pattern) {
    if (std::string_view("[]\\\0", 4).find(c) != std::string_view::npos) return false;
    depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    if (depth < 0 || depth > 1) return false;
  }
  return depth == 0 && !pattern.empty() && pattern.size() <= Glob::kMostBytes;
}

}  // namespace
}  // namespace sluiced::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluiced::fuzz;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::string_view pattern = input.substr(0, input.find('\n'));
  const std::string_view path = input.substr(std::min(pattern.size() + 1, input.size()));
  const auto glob = Glob::parse(pattern);
  require(glob || !glob.error().empty(), "what is refused is told why");
  if (!is_sound(pattern)) {
    require(!glob, "what is no pattern is refused");
    return 0;
  }
  const bool takes_whole_path = pattern.find('/') != std::string_view::npos;
  if (pattern.starts_with('/')) pattern.remove_prefix(1);
  const auto globs = alternatives(pattern);
  const bool are_few =
      globs.size() <= Glob::kMostAlternatives && count_of(globs) <= Glob::kMostAlternatives;
  require(glob.has_value() == are_few, "a pattern is taken if it does not stand for too many");
  if (!glob) return 0;
  const bool matches = glob->matches(path);
  const std::string_view name = path.substr(path.rfind('/') + 1);
  require(takes_whole_path || matches == glob->matches(name), "a name is the same in any folder");
  const std::string_view held = takes_whole_path ? path : name;
  if (globs.size() * (pattern.size() + 1) * (held.size() + 1) > kMostSteps) return 0;
  require(
      matches == std::ranges::any_of(
                     globs, [held](const std::string& one) { return matches_by_table(one, held); }),
      "the verdict is that of the table");
  return 0;
}
