#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "config/serve_config.hpp"
#include "config/validate.hpp"
#include "config/worker_count.hpp"
#include "support.hpp"

namespace sluiced::config {
namespace {

using testing::TemporaryDirectory;
using testing::write_file;

std::string text_with_root(const std::string& root, std::string_view more = "") {
  return "listeners: [{name: web, address: \":80\"}]\nsites:\n  - name: a\n    mounts:\n"
         "      - path: /\n        root: " +
         root + '\n' + std::string(more);
}

std::string checked(const std::string& root, std::string_view more = "") {
  const auto config = load_text(text_with_root(root, more), "t", Check::kTextAndEnvironment);
  return config ? format(config->warnings) : format(config.error());
}

TEST(EnvironmentCheck, AcceptsARootThatIsThere) {
  const TemporaryDirectory directory;
  EXPECT_EQ(checked(directory.path()), "");
}

TEST(EnvironmentCheck, PointsAtARootThatIsMissing) {
  EXPECT_EQ(checked("/no/such/root"),
            "t:6:15: error: the root '/no/such/root' does not exist\n"
            "        root: /no/such/root\n"
            "              ^\n");
}

TEST(EnvironmentCheck, PointsAtAReadableDirectoryThatIsNone) {
  const TemporaryDirectory directory;
  const std::string file = directory / "file";
  write_file(file, "");
  const auto with = [&directory](const std::string& readable) {
    return checked(directory.path(), "confinement: {readable: [/, " + readable + "]}\n");
  };
  EXPECT_TRUE(
      with("/no/such").starts_with("t:7:29: error: the directory '/no/such' does not exist\n"));
  EXPECT_TRUE(with(file).starts_with("t:7:29: error: '" + file + "' is not a directory\n"));
  EXPECT_EQ(with(directory.path()), "");
}

TEST(EnvironmentCheck, PointsAtARootThatIsNoDirectory) {
  const TemporaryDirectory directory;
  const std::string file = directory / "file";
  write_file(file, "");
  EXPECT_TRUE(
      checked(file).starts_with("t:6:15: error: the root '" + file + "' is not a directory\n"));
  EXPECT_NE(checked(file + "/below").find("cannot be looked up: Not a directory"),
            std::string::npos);
}

/// Calls `function` as somebody whom permissions bind, unlike the super-user.
template <class Function>
std::string as_ordinary_user(Function function) {
  const uid_t user = ::geteuid();
  const uid_t nobody = 65534;
  if (user == 0 && ::seteuid(nobody) != 0) {
    return "seteuid failed";
  }
  const std::string result = function();
  return ::seteuid(user) == 0 ? result : "seteuid failed";
}

TEST(EnvironmentCheck, PointsAtARootThatMayNotBeEntered) {
  const TemporaryDirectory directory;
  const std::string root = directory / "closed";
  std::filesystem::create_directory(root);
  std::filesystem::permissions(root, std::filesystem::perms::none);
  EXPECT_NE(as_ordinary_user([&] {
              return checked(root);
            }).find("the root '" + root + "' cannot be entered: Permission denied"),
            std::string::npos);
}

TEST(EnvironmentCheck, DemandsReadPermissionOnlyForAListing) {
  const TemporaryDirectory directory;
  const std::string root = directory / "unlisted";
  std::filesystem::create_directory(root);
  std::filesystem::permissions(root, std::filesystem::perms(0111));
  EXPECT_EQ(as_ordinary_user([&] { return checked(root); }), "");
  EXPECT_NE(as_ordinary_user([&] {
              return checked(root, "        listing: true\n");
            }).find("cannot be listed: Permission denied"),
            std::string::npos);
}

TEST(EnvironmentCheck, WarnsOfWhatIsUnwise) {
  const TemporaryDirectory directory;
  EXPECT_EQ(checked("/"),
            "t:6:15: warning: the root is '/': the whole file system is served\n"
            "        root: /\n"
            "              ^\n");
  EXPECT_EQ(checked(directory.path(), "admin: {listen: \":9180\"}\n"),
            "t:7:17: warning: the admin listener '[::]:9180' can be reached from other hosts, and "
            "asks nobody who they are\n"
            "admin: {listen: \":9180\"}\n"
            "                ^\n");
  EXPECT_EQ(checked(directory.path(), "runtime: {max_open_files: 1000}\n"),
            "t:7:27: warning: the max_connections of all listeners come to 20000, but "
            "max_open_files is 1000\n"
            "runtime: {max_open_files: 1000}\n"
            "                          ^\n");
}

TEST(EnvironmentCheck, CanBeMadeLater) {
  const auto config = load_text(text_with_root("/no/such/root"), "t");
  ASSERT_TRUE(config);
  const auto found = check_environment(*config);
  ASSERT_EQ(found.size(), 1);
  EXPECT_EQ(found[0].place, (Place{6, 15}));
  EXPECT_EQ(found[0].source_line, "        root: /no/such/root");
}

TEST(ServeConfig, MountsTheDirectoryAtTheTopOfOneSite) {
  const TemporaryDirectory directory;
  ServeOptions options;
  options.directory = directory.path();
  options.listing = true;
  options.listen = parse_listen_address("127.0.0.1:0").value();
  options.admin = parse_listen_address("127.0.0.1:0").value();
  const auto config = serve_config(options);
  ASSERT_TRUE(config);
  ASSERT_EQ(config->listeners.size(), 1);
  EXPECT_EQ(config->listeners[0], (Listener{.name = "web", .address = options.listen}));
  ASSERT_EQ(config->sites.size(), 1);
  const Site& site = config->sites[0];
  EXPECT_EQ(site.name, "_default");
  EXPECT_TRUE(site.takes_any_host());
  EXPECT_EQ(site.listeners, std::vector<std::string>{"web"});
  ASSERT_EQ(site.mounts.size(), 1);
  Mount mount;
  mount.path = "/";
  mount.root = std::filesystem::canonical(directory.path());
  mount.listing = true;
  EXPECT_EQ(site.mounts[0], mount);
  EXPECT_EQ(config->admin.listen, options.admin);
  EXPECT_EQ(config->runtime, Runtime{});
  EXPECT_TRUE(config->warnings.empty());
}

TEST(ServeConfig, MakesTheDirectoryAbsolute) {
  const auto config = serve_config({});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sites[0].mounts[0].root, std::filesystem::current_path());
}

TEST(ServeConfig, NamesADirectoryThatCannotBeServed) {
  const TemporaryDirectory directory;
  const std::string file = directory / "file";
  write_file(file, "");
  ServeOptions options;
  options.directory = "/no/such/root";
  EXPECT_EQ(format(serve_config(options).error()),
            "error: the root '/no/such/root' does not exist\n");
  options.directory = file;
  EXPECT_EQ(
      format(serve_config(options).error()),
      "error: the root '" + std::filesystem::canonical(file).string() + "' is not a directory\n");
}

TEST(ServeConfig, KeepsTheAdminListenerApart) {
  const TemporaryDirectory directory;
  ServeOptions options;
  options.directory = directory.path();
  options.admin = options.listen;
  EXPECT_EQ(format(serve_config(options).error()),
            "error: '127.0.0.1:8080' is the address of the admin listener: give another with "
            "--admin\n");
  options.admin = std::nullopt;
  EXPECT_TRUE(serve_config(options));
}

TEST(WorkerCount, IsTheConfiguredNumberOrThatOfTheUsableCpus) {
  EXPECT_EQ(worker_count(Runtime{.workers = 7}), 7);
  const auto usable = static_cast<std::uint32_t>(::sysconf(_SC_NPROCESSORS_CONF));
  EXPECT_GE(worker_count(Runtime{}), 1);
  EXPECT_LE(worker_count(Runtime{}), usable);
}

}  // namespace
}  // namespace sluiced::config
