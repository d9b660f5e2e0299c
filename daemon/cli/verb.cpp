#include "cli/verb.hpp"

#include <algorithm>
#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/suggest.hpp"
#include "text/printable.hpp"

namespace sluiced::cli {

using text::in_quotes;

namespace {

std::string explain(const CLI::ParseError& error) {
  const std::string_view what = error.what();
  const std::size_t colon = what.find(':');
  if (error.get_name() == "ArgumentMismatch" && what.starts_with('-') &&
      what.find("missing") != std::string_view::npos) {
    return "option " + in_quotes(what.substr(0, colon)) + " needs a value";
  }
  constexpr std::string_view given_value = " was given a disallowed flag override";
  if (what.ends_with(given_value)) {
    const std::size_t name_length = what.size() - given_value.size();
    return "option '--" + std::string(what.substr(0, name_length)) + "' takes no value";
  }
  return text::printable(what);
}

}  // namespace

std::unexpected<UsageError> misused(std::string_view where, std::string_view what) {
  std::string message = "sluiced";
  message += where.empty() ? "" : " " + std::string(where);
  message += ": " + std::string(what) + "\nTry 'sluiced help'.\n";
  return std::unexpected(UsageError{std::move(message)});
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view suggestion = config::suggest(word, known);
  return suggestion.empty() ? std::string() : " (did you mean " + in_quotes(suggestion) + "?)";
}

Verb::Verb(std::string_view name, std::string_view purpose)
    : name_(name), app_(std::string(purpose), "sluiced " + std::string(name)) {
  app_.set_help_flag("-h,--help", "Print this text");
  app_.get_formatter()->column_width(28);
  // What is left over is reported by us, with a suggestion.
  app_.allow_extras();
}

CLI::Option* Verb::add(const std::string& names, std::string& value, const std::string& doc,
                       const std::string& type) {
  CLI::Option* option = app_.add_option(names, value, doc);
  option->type_name(type);
  // Counting is ours too, so that the message is; CLI11 only has to accept.
  option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  return option;
}

void Verb::add_flag(const std::string& names, bool& value, const std::string& doc) {
  app_.add_flag(names, value, doc)->disable_flag_override();
}

std::optional<Outcome> Verb::parse(const Arguments& arguments) {
  try {
    // CLI11 takes the last argument first.
    app_.parse(Arguments(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return Command(Help{app_.help()});
  } catch (const CLI::ParseError& error) {
    return complain(explain(error));
  }
  for (const CLI::Option* option : app_.get_options()) {
    if (option->get_items_expected_max() > 0 && option->count() > 1) {
      return complain("option " + in_quotes(option->get_name()) + " is given twice");
    }
  }
  Arguments rest = app_.remaining();
  // CLI11 leaves over the mark behind which nothing is an option, too.
  std::erase(rest, "--");
  if (!rest.empty()) {
    return complain(explain_rest(rest));
  }
  return std::nullopt;
}

std::string Verb::explain_rest(const Arguments& rest) const {
  for (const std::string& argument : rest) {
    if (argument.size() > 1 && argument.starts_with('-')) {
      const std::string_view word = std::string_view(argument).substr(0, argument.find('='));
      const Arguments names = option_names();
      const std::vector<std::string_view> known(names.begin(), names.end());
      return "unknown option " + in_quotes(word) + did_you_mean(word, known);
    }
  }
  return "unexpected argument " + in_quotes(rest.front());
}

Arguments Verb::option_names() const {
  Arguments names;
  for (const CLI::Option* option : app_.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  return names;
}

}  // namespace sluiced::cli
