#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "cli/build_info.hpp"
#include "cli/command_line.hpp"
#include "cli/exit_code.hpp"

namespace sluiced::cli {
namespace {

using Words = std::vector<const char*>;

std::expected<Command, UsageError> parse(Words words) {
  words.insert(words.begin(), "sluiced");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

/// The command, which must be of this kind.
template <class Kind>
Kind parsed(const Words& words) {
  const auto command = parse(words);
  if (!command) {
    ADD_FAILURE() << command.error().message;
    return {};
  }
  if (!std::holds_alternative<Kind>(*command)) {
    ADD_FAILURE() << "another command: " << command->index();
    return {};
  }
  return std::get<Kind>(*command);
}

std::string refusal(const Words& words) {
  const auto command = parse(words);
  return command ? "accepted" : command.error().message;
}

/// The sentence, with the line that follows every one of them.
std::string sentence(std::string_view text) {
  return "sluiced" + std::string(text) + "\nTry 'sluiced help'.\n";
}

config::ListenAddress address(std::string_view text) {
  return config::parse_listen_address(text).value();
}

TEST(CommandLine, ServeHasDefaultsForEverything) {
  const Serve serve = parsed<Serve>({"serve"});
  EXPECT_EQ(serve.directory, ".");
  EXPECT_EQ(serve.listen, address("127.0.0.1:8080"));
  EXPECT_FALSE(serve.listing);
  EXPECT_EQ(serve.admin, address("127.0.0.1:9180"));
}

TEST(CommandLine, ServeTakesItsOptionsInAnyOrderAndForm) {
  Serve expected;
  expected.directory = "/srv/a b";
  expected.listen = address("[::1]:80");
  expected.listing = true;
  expected.admin = address("127.0.0.1:0");
  EXPECT_EQ(parsed<Serve>({"serve", "/srv/a b", "--listen", "[::1]:80", "--listing", "--admin",
                           "127.0.0.1:0"}),
            expected);
  EXPECT_EQ(
      parsed<Serve>({"serve", "--admin=127.0.0.1:0", "--listing", "--listen=[::1]:80", "/srv/a b"}),
      expected);
}

TEST(CommandLine, ServeTakesEveryKindOfAddress) {
  for (const char* text : {":80", "0.0.0.0:0", "unix:/run/x.sock"}) {
    EXPECT_EQ(parsed<Serve>({"serve", "--listen", text}).listen, address(text));
  }
  EXPECT_EQ(parsed<Serve>({"serve", "--admin", "off"}).admin, std::nullopt);
}

TEST(CommandLine, ADirectoryMayLookLikeAnOptionBehindTwoDashes) {
  EXPECT_EQ(parsed<Serve>({"serve", "--listing", "--", "--listen"}).directory, "--listen");
}

TEST(CommandLine, RunAndCheckTakeAConfigurationFile) {
  EXPECT_EQ(parsed<cli::Run>({"run", "-c", "a.yaml"}).config, "a.yaml");
  EXPECT_EQ(parsed<cli::Run>({"run", "--config=a.yaml"}).config, "a.yaml");
  EXPECT_EQ(parsed<cli::Run>({"run", "-ca.yaml"}).config, "a.yaml");
  EXPECT_EQ(parsed<Check>({"check", "a.yaml"}).config, "a.yaml");
  EXPECT_EQ(parsed<Check>({"check", "-c", "a.yaml"}).config, "a.yaml");
  EXPECT_EQ(parsed<Check>({"-t", "a.yaml"}).config, "a.yaml");
  EXPECT_EQ(parsed<Check>({"-t", "-c", "a.yaml"}).config, "a.yaml");
}

TEST(CommandLine, RunAndReloadMayBeToldTheControlSocket) {
  EXPECT_EQ(parsed<cli::Run>({"run", "-c", "a.yaml"}).control, std::nullopt);
  EXPECT_EQ(parsed<cli::Run>({"run", "-c", "a.yaml", "--control", "/run/c"}).control, "/run/c");
  EXPECT_EQ(parsed<cli::Run>({"run", "-c", "a.yaml", "--control", "off"}).control, "");
  EXPECT_EQ(parsed<cli::Reload>({"reload"}).control, std::nullopt);
  EXPECT_EQ(parsed<cli::Reload>({"reload", "--control", "/run/c"}).control, "/run/c");
}

TEST(CommandLine, StatusIsForPeopleOrForPrograms) {
  EXPECT_EQ(parsed<cli::Status>({"status"}), cli::Status{});
  const auto status = parsed<cli::Status>({"status", "--json", "--control", "/run/c"});
  EXPECT_TRUE(status.json);
  EXPECT_EQ(status.control, "/run/c");
  EXPECT_EQ(refusal({"status", "--control", ""}),
            sentence(" status: --control: the path is empty"));
}

TEST(CommandLine, ServeAndRunMayBeToldWhoServes) {
  EXPECT_EQ(parsed<Serve>({"serve"}).user, cli::ServiceUser{});
  EXPECT_EQ(parsed<Serve>({"serve", "--user", "www:web"}).user.name, "www:web");
  EXPECT_TRUE(parsed<Serve>({"serve", "--allow-root"}).user.allow_root);
  const auto run = parsed<cli::Run>({"run", "-c", "a.yaml", "--user=33", "--allow-root"});
  EXPECT_EQ(run.user, (cli::ServiceUser{"33", true}));
  for (const char* wrong : {":", "a:", ":b", "a:b:c"}) {
    EXPECT_NE(refusal({"serve", "--user", wrong}).find("is not NAME or NAME:GROUP"),
              std::string::npos)
        << wrong;
  }
}

TEST(CommandLine, CheckMayPrintWhatAConfigurationComesTo) {
  EXPECT_FALSE(parsed<Check>({"check", "a.yaml"}).dump);
  EXPECT_TRUE(parsed<Check>({"check", "--dump", "a.yaml"}).dump);
  EXPECT_EQ(parsed<Check>({"-T", "a.yaml"}), parsed<Check>({"check", "-c", "a.yaml", "--dump"}));
}

TEST(CommandLine, HealthcheckAsksAtOnePlace) {
  EXPECT_EQ(parsed<cli::HealthCheck>({"healthcheck"}).url, "http://127.0.0.1:9180");
  EXPECT_EQ(parsed<cli::HealthCheck>({"healthcheck", "--url", "unix:/a"}).url, "unix:/a");
  EXPECT_EQ(parsed<cli::HealthCheck>({"healthcheck", "-c", "a.yaml"}).config, "a.yaml");
  EXPECT_TRUE(parsed<cli::HealthCheck>({"healthcheck", "--ready"}).ready);
  EXPECT_EQ(refusal({"healthcheck", "-c", "a", "--url", "unix:/a"}),
            sentence(" healthcheck: --url and -c both say where to ask: give one"));
}

TEST(CommandLine, DoctorTakesAConfigurationAndAUser) {
  EXPECT_EQ(parsed<cli::Doctor>({"doctor"}), cli::Doctor{});
  const auto doctor = parsed<cli::Doctor>({"doctor", "-c", "a.yaml", "--user", "www"});
  EXPECT_EQ(doctor.config, "a.yaml");
  EXPECT_EQ(doctor.user, "www");
}

TEST(CommandLine, VersionHasThreeNames) {
  for (const char* word : {"version", "--version", "-V"}) {
    parsed<Version>({word});
  }
}

TEST(CommandLine, HelpIsGivenForTheProgramAndForEachVerb) {
  const std::string overview = parsed<Help>({"help"}).text;
  for (const char* verb : {"serve", "run", "reload", "status", "check", "schema", "doctor",
                           "healthcheck", "version", "help"}) {
    EXPECT_NE(overview.find(std::string("\n  ") + verb), std::string::npos) << verb;
  }
  for (const Words& words : {Words{"-h"}, Words{"--help"}, Words{"help", "help"}}) {
    EXPECT_EQ(parsed<Help>(words).text, overview);
  }
  const std::string serve = parsed<Help>({"help", "serve"}).text;
  for (const char* option : {"--listen ADDR", "--listing", "--admin ADDR", "[DIR]"}) {
    EXPECT_NE(serve.find(option), std::string::npos) << option;
  }
  EXPECT_EQ(parsed<Help>({"serve", "--help"}).text, serve);
  EXPECT_EQ(parsed<Help>({"serve", "-h"}).text, serve);
  EXPECT_NE(parsed<Help>({"run", "-h"}).text.find("-c,--config FILE"), std::string::npos);
}

TEST(CommandLine, NothingAskedForIsAnsweredWithTheHelpAsAnError) {
  EXPECT_EQ(refusal({}), parsed<Help>({"help"}).text);
  EXPECT_EQ(parse_command_line(0, nullptr).error().message, refusal({}));
}

TEST(CommandLine, MistakesAreToldInOneSentenceThatNamesThem) {
  struct Row {
    Words words;
    std::string_view said;
  };
  const std::vector<Row> table{
      {{"serv"}, ": unknown verb 'serv' (did you mean 'serve'?)"},
      {{"frobnicate"}, ": unknown verb 'frobnicate'"},
      {{""}, ": unknown verb ''"},
      {{"--listen", ":80"}, ": unknown option '--listen'"},
      {{"a\nb"}, ": unknown verb 'a\\nb'"},
      {{"help", "serv"}, ": unknown verb 'serv' (did you mean 'serve'?)"},
      {{"help", "serve", "run"}, " help: unexpected argument 'run'"},
      {{"version", "x"}, " version: unexpected argument 'x'"},
      {{"serve", "a", "b"}, " serve: unexpected argument 'b'"},
      {{"serve", ""}, " serve: the name of the directory is empty"},
      {{"serve", "--lsten", ":80"}, " serve: unknown option '--lsten' (did you mean '--listen'?)"},
      {{"serve", "--lsten=:80"}, " serve: unknown option '--lsten' (did you mean '--listen'?)"},
      {{"serve", "-x"}, " serve: unknown option '-x'"},
      {{"serve", "--listen"}, " serve: option '--listen' needs a value"},
      {{"serve", "--listing=yes"}, " serve: option '--listing' takes no value"},
      {{"serve", "--listen", ":1", "--listen", ":2"}, " serve: option '--listen' is given twice"},
      {{"serve", "--listen", "8080"},
       " serve: --listen: '8080' has no address: write 127.0.0.1:8080, or :8080 for all addresses"},
      {{"serve", "--admin", "localhost:1"},
       " serve: --admin: 'localhost:1' has a host name, and names are not looked up: write an IP "
       "address"},
      {{"run"}, " run: which configuration? Name it with -c FILE"},
      {{"run", "a.yaml"}, " run: unexpected argument 'a.yaml'"},
      {{"run", "-c"}, " run: option '--config' needs a value"},
      {{"run", "-c", ""}, " run: which configuration? Name it with -c FILE"},
      {{"reload", "--control", ""}, " reload: --control: the path is empty"},
      {{"reload", "a"}, " reload: unexpected argument 'a'"},
      {{"check"}, " check: which configuration? Name the file"},
      {{"check", "a", "b"}, " check: unexpected argument 'b'"},
      {{"check", "-c", "a", "b"}, " check: unexpected argument 'b' beside -c"},
  };
  for (const Row& row : table) {
    EXPECT_EQ(refusal(row.words), sentence(row.said));
  }
}

TEST(ExitCodes, AreThoseOfSysexits) {
  EXPECT_EQ(status(ExitCode::kOk), 0);
  EXPECT_EQ(status(ExitCode::kUsage), 64);
  EXPECT_EQ(status(ExitCode::kUnavailable), 69);
  EXPECT_EQ(status(ExitCode::kInternal), 70);
  EXPECT_EQ(status(ExitCode::kOsError), 71);
  EXPECT_EQ(status(ExitCode::kPermission), 77);
  EXPECT_EQ(status(ExitCode::kConfig), 78);
}

TEST(BuildInfo, IsDescribedOneFactALine) {
  const BuildInfo info{.version = "1.2.3",
                       .revision = "abc",
                       .compiler = "gcc 12",
                       .liburing = "2.3",
                       .build_type = "Release"};
  EXPECT_EQ(describe(info),
            "sluiced 1.2.3\nrevision: abc\ncompiler: gcc 12\nliburing: 2.3\nbuild type: Release\n");
  EXPECT_EQ(
      describe({.version = "1", .revision = "", .compiler = "", .liburing = "", .build_type = ""}),
      "sluiced 1\n");
}

TEST(BuildInfo, IsKnown) {
  const BuildInfo info = build_info();
  EXPECT_TRUE(info.version.find('.') != std::string_view::npos);
  EXPECT_TRUE(info.compiler.starts_with("gcc ") || info.compiler.starts_with("clang "));
  EXPECT_TRUE(info.liburing.starts_with("2."));
}

}  // namespace
}  // namespace sluiced::cli
