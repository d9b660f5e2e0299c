#include "http/glob.hpp"

#include <algorithm>
#include <utility>

namespace sluiced::http {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

/// Holds `text` against a pattern of `*`, `**`, `?` and plain bytes. When a byte does not fit, the
/// last `*` takes one byte more, and when it may not, the last `**` does: what stood before them
/// has been settled. A `*` never goes beyond a '/', so this takes at most the length of the text
/// times that of its longest component.
bool matches_plain(std::string_view text, std::string_view glob) {
  std::size_t t = 0;
  std::size_t g = 0;
  std::size_t star_text = kNone;
  std::size_t star_glob = kNone;
  std::size_t stars_text = kNone;
  std::size_t stars_glob = kNone;
  while (t < text.size()) {
    if (glob.substr(g, 2) == "**") {
      g += 2;
      stars_text = t;
      stars_glob = g;
      star_glob = kNone;
    } else if (g < glob.size() && glob[g] == '*') {
      ++g;
      star_text = t;
      star_glob = g;
    } else if (g < glob.size() && (glob[g] == text[t] || (glob[g] == '?' && text[t] != '/'))) {
      ++g;
      ++t;
    } else if (star_glob != kNone && text[star_text] != '/') {
      t = ++star_text;
      g = star_glob;
    } else if (stars_glob != kNone) {
      t = ++stars_text;
      g = stars_glob;
      star_glob = kNone;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', g) == kNone;
}

/// Puts every alternative of the first brace in place of it. False when there is none.
bool expand_first_brace(const std::string& pattern, std::vector<std::string>& out) {
  const std::size_t open = pattern.find('{');
  if (open == kNone) return false;
  const std::size_t close = pattern.find('}', open);
  std::size_t begin = open + 1;
  while (begin <= close) {
    const std::size_t end = std::min(pattern.find(',', begin), close);
    out.push_back(pattern.substr(0, open) + pattern.substr(begin, end - begin) +
                  pattern.substr(close + 1));
    begin = end + 1;
  }
  return true;
}

/// The same for "**/": with it marked as settled by '\0', and without it.
bool expand_first_stars(const std::string& pattern, std::vector<std::string>& out) {
  for (std::size_t at = pattern.find("**/"); at != kNone; at = pattern.find("**/", at + 1)) {
    if (at != 0 && pattern[at - 1] != '/') continue;
    out.push_back(pattern.substr(0, at) + std::string(1, '\0') + pattern.substr(at + 2));
    out.push_back(pattern.substr(0, at) + pattern.substr(at + 3));
    return true;
  }
  return false;
}

/// Replaces the patterns by what `expand` makes of them until it finds nothing more to do. False
/// when there are too many.
template <class Expand>
bool expand_all(std::vector<std::string>& patterns, Expand expand) {
  std::vector<std::string> done;
  while (!patterns.empty()) {
    if (patterns.size() + done.size() > Glob::kMostAlternatives) return false;
    std::string pattern = std::move(patterns.back());
    patterns.pop_back();
    if (!expand(pattern, patterns)) done.push_back(std::move(pattern));
  }
  patterns = std::move(done);
  return true;
}

bool braces_are_paired(std::string_view pattern) {
  bool is_open = false;
  for (const char c : pattern) {
    if (c == '{' || c == '}') {
      if ((c == '{') == is_open) return false;
      is_open = !is_open;
    }
  }
  return !is_open;
}

}  // namespace

std::expected<Glob, std::string_view> Glob::parse(std::string_view pattern) {
  if (pattern.empty()) return std::unexpected("is empty");
  if (pattern.size() > kMostBytes) return std::unexpected("is longer than 256 bytes");
  if (pattern.find_first_of("[]\\") != kNone || pattern.find('\0') != kNone) {
    return std::unexpected("holds one of [ ] \\, which patterns do not know: use *, **, ?, {a,b}");
  }
  if (!braces_are_paired(pattern)) return std::unexpected("has braces that do not pair or nest");
  Glob glob;
  glob.takes_whole_path_ = pattern.find('/') != kNone;
  if (pattern.starts_with('/')) pattern.remove_prefix(1);
  glob.alternatives_ = {std::string(pattern)};
  if (!expand_all(glob.alternatives_, expand_first_brace) ||
      !expand_all(glob.alternatives_, expand_first_stars)) {
    return std::unexpected("stands for more than 64 patterns");
  }
  for (std::string& alternative : glob.alternatives_) {
    for (std::size_t at = alternative.find('\0'); at != kNone; at = alternative.find('\0')) {
      alternative.replace(at, 1, "**");
    }
  }
  return glob;
}

bool Glob::matches(std::string_view path) const {
  // npos + 1 is 0: a path without '/' is its own last component.
  if (!takes_whole_path_) path.remove_prefix(path.rfind('/') + 1);
  return std::ranges::any_of(alternatives_, [path](const std::string& alternative) {
    return matches_plain(path, alternative);
  });
}

}  // namespace sluiced::http
