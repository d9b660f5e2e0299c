#include "cli/command_line.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "config/address.hpp"
#include "config/suggest.hpp"
#include "text/printable.hpp"

namespace sluiced::cli {
namespace {

using text::in_quotes;
using Arguments = std::vector<std::string>;
using Outcome = std::expected<Command, UsageError>;

constexpr std::string_view kOverview =
    "sluiced serves files over HTTP with io_uring.\n"
    "\n"
    "Usage: sluiced VERB [ARGUMENT...]\n"
    "\n"
    "Verbs:\n"
    "  serve [DIR]     serve a directory, read-only, without a configuration file\n"
    "  run -c FILE     serve what a configuration file says\n"
    "  reload          have the daemon read its configuration again, and wait for it\n"
    "  check FILE      say what is wrong with a configuration file, and end\n"
    "  version         print the version and what it was built with\n"
    "  help [VERB]     print this text, or the options of a verb\n"
    "\n"
    "Short forms: -t is check, -V and --version are version, -h and --help are help.\n"
    "\n"
    "Exit status: 0 success, 64 usage, 69 no io_uring or no daemon, 70 internal error,\n"
    "71 system error, 77 permission denied, 78 configuration error.\n";

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

/// One verb's options, read by CLI11, and complaints in our own words.
class Verb {
 public:
  Verb(std::string_view name, std::string_view purpose)
      : name_(name), app_(std::string(purpose), "sluiced " + std::string(name)) {
    app_.set_help_flag("-h,--help", "Print this text");
    app_.get_formatter()->column_width(28);
    // What is left over is reported by us, with a suggestion.
    app_.allow_extras();
  }

  CLI::Option* add(const std::string& names, std::string& value, const std::string& doc,
                   const std::string& type) {
    CLI::Option* option = app_.add_option(names, value, doc);
    option->type_name(type);
    // Counting is ours too, so that the message is; CLI11 only has to accept.
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    return option;
  }

  void add_flag(const std::string& names, bool& value, const std::string& doc) {
    app_.add_flag(names, value, doc)->disable_flag_override();
  }

  void set_footer(std::string_view footer) { app_.footer(std::string(footer)); }

  /// Reads the arguments. Returns what the program is to do instead of the verb's own work, if so.
  std::optional<Outcome> parse(const Arguments& arguments) {
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

  [[nodiscard]] Outcome complain(std::string_view what) const { return misused(name_, what); }

 private:
  static std::string explain(const CLI::ParseError& error) {
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

  [[nodiscard]] std::string explain_rest(const Arguments& rest) const {
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

  [[nodiscard]] Arguments option_names() const {
    Arguments names;
    for (const CLI::Option* option : app_.get_options()) {
      for (const std::string& name : option->get_lnames()) {
        names.push_back("--" + name);
      }
    }
    return names;
  }

  std::string_view name_;
  CLI::App app_;
};

Outcome parse_serve(const Arguments& arguments) {
  Serve serve;
  std::string directory = serve.directory.native();
  std::string listen = config::to_string(serve.listen);
  std::string admin = config::to_string(*serve.admin);
  Verb verb("serve", "Serve a directory, read-only, until SIGTERM or Ctrl-C.");
  verb.add("DIR", directory, "The directory (default: the current one)", "");
  verb.add("--listen", listen, "Where to listen (default: " + listen + ")", "ADDR");
  verb.add("--admin", admin,
           "Where /metrics and health are served, or off (default: " + admin + ")", "ADDR");
  verb.add_flag("--listing", serve.listing, "List directories that have no index.html");
  verb.set_footer("ADDR is 1.2.3.4:80, [2001:db8::1]:80, :80 for every address, or unix:/path.");
  if (std::optional<Outcome> outcome = verb.parse(arguments)) {
    return *std::move(outcome);
  }
  if (directory.empty()) {
    return verb.complain("the name of the directory is empty");
  }
  serve.directory = directory;
  config::Parsed<config::ListenAddress> address = config::parse_listen_address(listen);
  if (!address) {
    return verb.complain("--listen: " + address.error());
  }
  serve.listen = *std::move(address);
  if (admin == "off") {
    serve.admin.reset();
    return serve;
  }
  address = config::parse_listen_address(admin);
  if (!address) {
    return verb.complain("--admin: " + address.error());
  }
  serve.admin = *std::move(address);
  return serve;
}

constexpr const char* kConfigDoc = "The configuration file";
constexpr const char* kDefaultControl = "$RUNTIME_DIRECTORY/control.sock, if that is set";

Outcome parse_run(const Arguments& arguments) {
  std::string file;
  Verb verb("run", "Serve what a configuration file says, until SIGTERM or Ctrl-C.");
  verb.add("-c,--config", file, kConfigDoc, "FILE");
  std::string control;
  const CLI::Option* given = verb.add(
      "--control", control,
      std::string("Where `sluiced reload` asks, or off (default: ") + kDefaultControl + ")",
      "PATH");
  if (std::optional<Outcome> outcome = verb.parse(arguments)) {
    return *std::move(outcome);
  }
  if (file.empty()) {
    return verb.complain("which configuration? Name it with -c FILE");
  }
  Run run{file};
  if (given->count() > 0) {
    run.control = control == "off" ? std::string() : control;
  }
  return run;
}

Outcome parse_reload(const Arguments& arguments) {
  std::string control;
  Verb verb(
      "reload",
      "Have the daemon read its configuration again, and say what came of it: all of it is in "
      "use by then, or nothing has changed. The exit status is that of `check` and of a start "
      "with the same file.");
  const CLI::Option* given =
      verb.add("--control", control,
               std::string("Its control socket (default: ") + kDefaultControl + ")", "PATH");
  if (std::optional<Outcome> outcome = verb.parse(arguments)) {
    return *std::move(outcome);
  }
  if (given->count() > 0 && control.empty()) {
    return verb.complain("--control: the path is empty");
  }
  return given->count() > 0 ? Reload{control} : Reload{};
}

Outcome parse_check(const Arguments& arguments) {
  std::string by_option;
  std::string by_position;
  Verb verb("check", "Say what is wrong with a configuration file, and end.");
  verb.add("-c,--config", by_option, kConfigDoc, "FILE");
  verb.add("FILE", by_position, kConfigDoc, "");
  if (std::optional<Outcome> outcome = verb.parse(arguments)) {
    return *std::move(outcome);
  }
  if (!by_option.empty() && !by_position.empty()) {
    return verb.complain("unexpected argument " + in_quotes(by_position) + " beside -c");
  }
  if (by_option.empty() && by_position.empty()) {
    return verb.complain("which configuration? Name the file");
  }
  return Check{by_option.empty() ? by_position : by_option};
}

Outcome parse_version(const Arguments& arguments) {
  Verb verb("version", "Print the version and what it was built with.");
  if (std::optional<Outcome> outcome = verb.parse(arguments)) {
    return *std::move(outcome);
  }
  return Version{};
}

Outcome parse_help(const Arguments& arguments);

struct VerbName {
  std::string_view name;
  Outcome (*parse)(const Arguments&);
};

constexpr std::array<VerbName, 6> kVerbs{{{"serve", parse_serve},
                                          {"run", parse_run},
                                          {"reload", parse_reload},
                                          {"check", parse_check},
                                          {"version", parse_version},
                                          {"help", parse_help}}};
constexpr std::array<VerbName, 5> kAliases{{{"-t", parse_check},
                                            {"-V", parse_version},
                                            {"--version", parse_version},
                                            {"-h", parse_help},
                                            {"--help", parse_help}}};

const VerbName* find_verb(std::span<const VerbName> verbs, std::string_view name) {
  const auto found = std::ranges::find(verbs, name, &VerbName::name);
  return found == verbs.end() ? nullptr : &*found;
}

Outcome unknown_verb(std::string_view name) {
  std::array<std::string_view, kVerbs.size()> known;
  std::ranges::transform(kVerbs, known.begin(), &VerbName::name);
  const std::string_view what = name.starts_with('-') ? "unknown option " : "unknown verb ";
  return misused("", std::string(what) + in_quotes(name) + did_you_mean(name, known));
}

Outcome parse_help(const Arguments& arguments) {
  if (arguments.empty()) {
    return Help{std::string(kOverview)};
  }
  if (arguments.size() > 1) {
    return misused("help", "unexpected argument " + in_quotes(arguments[1]));
  }
  const VerbName* verb = find_verb(kVerbs, arguments.front());
  if (verb == nullptr) {
    return unknown_verb(arguments.front());
  }
  return verb->parse == parse_help ? Help{std::string(kOverview)} : verb->parse({"--help"});
}

}  // namespace

std::expected<Command, UsageError> parse_command_line(int argc, const char* const* argv) {
  Arguments arguments;
  for (int index = 1; index < argc; ++index) {
    arguments.emplace_back(argv[index]);
  }
  if (arguments.empty()) {
    return std::unexpected(UsageError{std::string(kOverview)});
  }
  const std::string name = arguments.front();
  arguments.erase(arguments.begin());
  const VerbName* verb = find_verb(kVerbs, name);
  if (verb == nullptr) {
    verb = find_verb(kAliases, name);
  }
  return verb != nullptr ? verb->parse(arguments) : unknown_verb(name);
}

}  // namespace sluiced::cli
