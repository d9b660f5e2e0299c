#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "cli/command_line.hpp"

namespace sluiced::cli {

using Arguments = std::vector<std::string>;
using Outcome = std::expected<Command, UsageError>;

/// A complaint about the verb `where`, or about the program's own arguments where that is empty.
[[nodiscard]] std::unexpected<UsageError> misused(std::string_view where, std::string_view what);

/// " (did you mean 'serve'?)", or an empty text where nothing known is like the word.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       std::span<const std::string_view> known);

/// One verb's options, read by CLI11, and complaints in our own words.
class Verb {
 public:
  Verb(std::string_view name, std::string_view purpose);

  CLI::Option* add(const std::string& names, std::string& value, const std::string& doc,
                   const std::string& type);
  void add_flag(const std::string& names, bool& value, const std::string& doc);
  void set_footer(std::string_view footer) { app_.footer(std::string(footer)); }

  /// Reads the arguments. Returns what the program is to do instead of the verb's own work, if so.
  [[nodiscard]] std::optional<Outcome> parse(const Arguments& arguments);

  [[nodiscard]] Outcome complain(std::string_view what) const { return misused(name_, what); }

 private:
  [[nodiscard]] std::string explain_rest(const Arguments& rest) const;
  [[nodiscard]] Arguments option_names() const;

  std::string_view name_;
  CLI::App app_;
};

}  // namespace sluiced::cli
