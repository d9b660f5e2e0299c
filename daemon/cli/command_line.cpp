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

#include "cli/verb.hpp"
#include "config/address.hpp"
#include "config/text_rules.hpp"
#include "text/printable.hpp"

namespace sluiced::cli {
namespace {

using text::in_quotes;

constexpr std::string_view kOverview =
    "sluiced serves files over HTTP with io_uring.\n"
    "\n"
    "Usage: sluiced VERB [ARGUMENT...]\n"
    "\n"
    "Verbs:\n"
    "  serve [DIR]     serve a directory, read-only, without a configuration file\n"
    "  run -c FILE     serve what a configuration file says\n"
    "  reload          have the daemon read its configuration again, and wait for it\n"
    "  status          print what the daemon is doing now\n"
    "  check FILE      say what is wrong with a configuration file, and end\n"
    "  schema          print a JSON Schema of configuration files\n"
    "  doctor          say what this machine lacks to serve well, and what to do about it\n"
    "  healthcheck     ask a daemon whether it serves; for containers\n"
    "  version         print the version and what it was built with\n"
    "  help [VERB]     print this text, or the options of a verb\n"
    "\n"
    "Short forms: -t is check, -T is check --dump, -V and --version are version, -h and --help are "
    "help.\n"
    "\n"
    "Exit status: 0 success, 1 doctor or healthcheck found something wrong, 64 usage,\n"
    "69 no io_uring, no Landlock where it is required, or no daemon, 70 internal error,\n"
    "71 system error, 77 permission denied, 78 configuration error.\n";

void add_user(Verb& verb, ServiceUser& user) {
  verb.add("--user", user.name,
           "Who serves, once root has bound the listeners: NAME or NAME:GROUP (default: "
           "runtime.user of the configuration)",
           "NAME");
  verb.add_flag("--allow-root", user.allow_root,
                "Stay root, without its capabilities, where no user is named; otherwise root is "
                "refused");
}

std::optional<std::string> flaw_of(const ServiceUser& user) {
  if (user.name.empty()) {
    return std::nullopt;
  }
  const auto name = config::check_user(user.name);
  return name ? std::nullopt : std::optional("--user: " + name.error());
}

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
  add_user(verb, serve.user);
  verb.set_footer("ADDR is 1.2.3.4:80, [2001:db8::1]:80, :80 for every address, or unix:/path.");
  if (std::optional<Outcome> outcome = verb.parse(arguments)) {
    return *std::move(outcome);
  }
  if (directory.empty()) {
    return verb.complain("the name of the directory is empty");
  }
  if (auto flaw = flaw_of(serve.user)) {
    return verb.complain(*std::move(flaw));
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
      std::string("Where `reload` and `status` ask, or off (default: ") + kDefaultControl + ")",
      "PATH");
  ServiceUser user;
  add_user(verb, user);
  if (std::optional<Outcome> outcome = verb.parse(arguments)) {
    return *std::move(outcome);
  }
  if (file.empty()) {
    return verb.complain("which configuration? Name it with -c FILE");
  }
  if (auto flaw = flaw_of(user)) {
    return verb.complain(*std::move(flaw));
  }
  Run run{.config = file, .user = std::move(user)};
  if (given->count() > 0) {
    run.control = control == "off" ? std::string() : control;
  }
  return run;
}

// For verbs that ask the daemon.
const CLI::Option* add_control(Verb& verb, std::string& control) {
  return verb.add("--control", control,
                  std::string("Its control socket (default: ") + kDefaultControl + ")", "PATH");
}

Outcome no_control(const Verb& verb) { return verb.complain("--control: the path is empty"); }

Outcome parse_reload(const Arguments& arguments) {
  std::string control;
  Verb verb(
      "reload",
      "Have the daemon read its configuration again, and say what came of it: all of it is in "
      "use by then, or nothing has changed. The exit status is that of `check` and of a start "
      "with the same file.");
  const CLI::Option* given = add_control(verb, control);
  if (std::optional<Outcome> outcome = verb.parse(arguments)) {
    return *std::move(outcome);
  }
  if (given->count() > 0 && control.empty()) {
    return no_control(verb);
  }
  return given->count() > 0 ? Reload{control} : Reload{};
}

Outcome parse_status(const Arguments& arguments) {
  std::string control;
  Status status;
  Verb verb("status",
            "Ask the daemon what it is doing now: its shards, and the requests that are in flight. "
            "Queries and fields of requests are not told of.");
  const CLI::Option* given = add_control(verb, control);
  verb.add_flag("--json", status.json, "Print what /status.json tells, for programs");
  if (std::optional<Outcome> outcome = verb.parse(arguments)) {
    return *std::move(outcome);
  }
  if (given->count() > 0) {
    if (control.empty()) {
      return no_control(verb);
    }
    status.control = control;
  }
  return status;
}

Outcome parse_check(const Arguments& arguments) {
  std::string by_option;
  std::string by_position;
  Verb verb("check", "Say what is wrong with a configuration file, and end.");
  verb.add("-c,--config", by_option, kConfigDoc, "FILE");
  verb.add("FILE", by_position, kConfigDoc, "");
  bool dump = false;
  verb.add_flag("--dump", dump,
                "Print the configuration with every option and what it comes to, defaults "
                "included");
  if (std::optional<Outcome> outcome = verb.parse(arguments)) {
    return *std::move(outcome);
  }
  if (!by_option.empty() && !by_position.empty()) {
    return verb.complain("unexpected argument " + in_quotes(by_position) + " beside -c");
  }
  if (by_option.empty() && by_position.empty()) {
    return verb.complain("which configuration? Name the file");
  }
  return Check{by_option.empty() ? by_position : by_option, dump};
}

Outcome parse_check_and_dump(const Arguments& arguments) {
  Arguments with_dump{"--dump"};
  with_dump.insert(with_dump.end(), arguments.begin(), arguments.end());
  return parse_check(with_dump);
}

Outcome parse_schema(const Arguments& arguments) {
  Verb verb("schema", "Print a JSON Schema of configuration files, for editors and checkers.");
  if (std::optional<Outcome> outcome = verb.parse(arguments)) {
    return *std::move(outcome);
  }
  return Schema{};
}

Outcome parse_doctor(const Arguments& arguments) {
  std::string file;
  Doctor doctor;
  Verb verb("doctor",
            "Say whether this machine, and this user, can serve: the kernel, io_uring, limits, and "
            "with a configuration the directories it names. The exit status is 1 if something "
            "keeps sluiced from serving.");
  verb.add("-c,--config", file, kConfigDoc, "FILE");
  verb.add("--user", doctor.user, "Look as this user does (default: who asks)", "NAME");
  if (std::optional<Outcome> outcome = verb.parse(arguments)) {
    return *std::move(outcome);
  }
  doctor.config = file;
  return doctor;
}

Outcome parse_healthcheck(const Arguments& arguments) {
  std::string url;
  std::string file;
  HealthCheck check;
  Verb verb("healthcheck",
            "Ask the admin listener of a daemon whether it is alive. The exit status is 0 if it "
            "says so within 3 seconds, and 1 if not.");
  const CLI::Option* by_url =
      verb.add("--url", url, "Where to ask (default: " + check.url + "); also unix:/path", "URL");
  const CLI::Option* by_file =
      verb.add("-c,--config", file, "Ask the admin listener of this configuration", "FILE");
  verb.add_flag("--ready", check.ready, "Ask /readyz, which says no while it drains, not /livez");
  if (std::optional<Outcome> outcome = verb.parse(arguments)) {
    return *std::move(outcome);
  }
  if (by_url->count() > 0 && by_file->count() > 0) {
    return verb.complain("--url and -c both say where to ask: give one");
  }
  check.config = file;
  if (by_url->count() > 0) {
    check.url = url;
  }
  return check;
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

constexpr std::array<VerbName, 10> kVerbs{{{"serve", parse_serve},
                                           {"run", parse_run},
                                           {"reload", parse_reload},
                                           {"status", parse_status},
                                           {"check", parse_check},
                                           {"schema", parse_schema},
                                           {"doctor", parse_doctor},
                                           {"healthcheck", parse_healthcheck},
                                           {"version", parse_version},
                                           {"help", parse_help}}};
constexpr std::array<VerbName, 6> kAliases{{{"-t", parse_check},
                                            {"-T", parse_check_and_dump},
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
