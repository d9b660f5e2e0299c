// Fields that an operator adds to the responses that carry a file, by patterns of its path.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "http/glob.hpp"

namespace sluiced::http {

/// Why an operator may not set a field, to complete a sentence that begins with its name; empty for
/// one that may be set. Refused are fields that the server itself sends or that frame the message:
/// two that disagree would be worse than none. Vary may be set, since its values add up: the server
/// sends one line with what both name.
std::string_view flaw_in_field_name(std::string_view name);
/// The same for a value: RFC 9110 section 5.5. A line break there would let the value write the
/// rest of the response.
std::string_view flaw_in_field_value(std::string_view value);
/// The same for what a certain field demands of its value beyond that.
std::string_view flaw_in_value_of_field(std::string_view name, std::string_view value);

/// The rules of one mount. Filled while the configuration is read, when every line is checked and
/// rendered; for a request there is only choosing left.
///
/// All rules that match a path count, in their order: a later one replaces what an earlier one has
/// set under the same name, in whatever case that is written, and can take it away.
class HeaderRules {
 public:
  /// What all rules of a mount together may hold, so that a head always has room for them.
  static constexpr std::size_t kMostLines = 64;
  static constexpr std::size_t kMostBytes = 2048;

  /// A set of lines, as bits.
  using Lines = std::uint64_t;

  /// Adds a rule behind the others: for paths that match `pattern`, sets the fields of `set` and
  /// takes away those named in `unset`. What is wrong comes as a clause, and nothing is added.
  std::expected<void, std::string> add(std::string_view pattern,
                                       const std::map<std::string, std::string, std::less<>>& set,
                                       const std::vector<std::string>& unset);

  bool empty() const { return rules_.empty(); }

  /// The lines for a path beneath the mount, without '/' at its beginning.
  Lines select(std::string_view path) const;

  /// Those of `lines` that a 304 carries: all but what describes the content that it does not carry
  /// (RFC 9110 section 15.4.5).
  Lines without_content_metadata(Lines lines) const { return lines & ~content_metadata_; }

  /// The value of Vary among `lines`, of which the server may have more to say; empty for none.
  std::string_view vary(Lines lines) const;

  /// Calls `visit` with each line of `lines` but Vary, its line break included.
  template <typename Visit>
  void for_each(Lines lines, Visit&& visit) const {
    for (lines &= ~vary_; lines != 0; lines &= lines - 1) {
      visit(std::string_view(lines_[static_cast<std::size_t>(std::countr_zero(lines))].text));
    }
  }

 private:
  struct Line {
    std::string name;  // In lower case.
    std::string text;
  };
  struct Rule {
    Glob pattern;
    Lines sets = 0;
    Lines replaces = 0;  // Lines of earlier rules.
  };
  Lines lines_named(std::string_view lower_name) const;

  std::vector<Rule> rules_;
  std::vector<Line> lines_;
  Lines content_metadata_ = 0;
  Lines vary_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace sluiced::http
