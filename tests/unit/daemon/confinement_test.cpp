#include "service/confinement.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <gtest/gtest.h>

#include <sluice/blocking_pool.hpp>
#include <sluice/executor.hpp>
#include <sluice/file.hpp>
#include <sluice/kernel_ring.hpp>
#include <sluice/reactor.hpp>
#include <sluice/shard.hpp>
#include <sluice/task.hpp>

#include "../runtime/support.hpp"
#include "observe/log.hpp"
#include "service/opening.hpp"
#include "service/ring_options.hpp"

namespace sluiced::service {
namespace {

namespace fs = std::filesystem;
using ::testing::ExitedWithCode;

/// A root with a file, and a file outside.
class Tree {
 public:
  Tree() {
    std::string name = (fs::temp_directory_path() / "confinement-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    fs::create_directories(folder_ / "root");
    std::ofstream(inside()) << "inside";
    std::ofstream(outside()) << "outside";
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  ~Tree() { fs::remove_all(folder_); }

  [[nodiscard]] const fs::path& folder() const noexcept { return folder_; }
  [[nodiscard]] std::string root() const { return folder_ / "root"; }
  [[nodiscard]] std::string inside() const { return folder_ / "root" / "file"; }
  [[nodiscard]] std::string outside() const { return folder_ / "outside"; }

 private:
  fs::path folder_;
};

config::Config serving(const std::string& root) {
  config::Config config;
  config.runtime.workers = 1;
  config.admin.listen.reset();
  config::Listener& listener = config.listeners.emplace_back();
  listener.name = "web";
  listener.address = config::loopback_address(0);
  listener.max_connections = 16;
  config::Site& site = config.sites.emplace_back();
  site.name = "_default";
  site.listeners = {"web"};
  config::Mount& mount = site.mounts.emplace_back();
  mount.path = "/";
  mount.root = root;
  return config;
}

// As main() does it: whatever thread comes after this is confined.
Opened open_as_a_start_does(const Tree& tree) {
  Inheritance inheritance;
  inheritance.user.allow_root = true;
  auto opened = open(serving(tree.root()), std::move(inheritance));
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    ::_exit(1);
  }
  CHILD_CHECK(opened->confinement.is_in_force());
  return std::move(*opened);
}

int errno_of_open(const std::string& path, int flags = O_RDONLY) {
  const sluice::UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  return fd ? 0 : errno;
}

sluice::Task<void> open_through_ring(std::string path, int& outcome) {
  const auto file = co_await sluice::File::open(path.c_str(), O_RDONLY);
  outcome = file ? 0 : file.error().value();
}

[[noreturn]] void open_outside_from_every_thread(const Tree& tree) {
  const Opened opened = open_as_a_start_does(tree);
  const log::Logger logger{log::Options{}};
  CHILD_CHECK(errno_of_open(tree.inside()) == 0);
  CHILD_CHECK(errno_of_open(tree.outside()) == EACCES);
  CHILD_CHECK(errno_of_open(tree.inside(), O_WRONLY) == EACCES);
  CHILD_CHECK(errno_of_open(tree.root() + "/new", O_WRONLY | O_CREAT) == EACCES);

  std::array<int, 2> by_control{-1, -1};
  {
    auto ring = sluice::KernelRing::create(control_ring_options());
    CHILD_CHECK(ring);
    sluice::Reactor reactor(std::move(*ring));
    sluice::Executor executor(reactor);
    executor.spawn(open_through_ring(tree.inside(), by_control[0]));
    executor.spawn(open_through_ring(tree.outside(), by_control[1]));
    executor.run();
  }
  CHILD_CHECK(by_control[0] == 0 && by_control[1] == EACCES);

  std::array<int, 2> by_shard{-1, -1};
  sluice::ShardOptions options;
  options.ring = ring_options(opened.sites->config(), 1);
  auto shards = sluice::ShardSet::start(options);
  CHILD_CHECK(shards);
  (*shards)->post(0, [&](sluice::Shard& shard) {
    shard.executor().spawn(open_through_ring(tree.inside(), by_shard[0]));
    shard.executor().spawn(open_through_ring(tree.outside(), by_shard[1]));
  });
  (*shards)->stop(false);
  (*shards)->join();
  CHILD_CHECK(by_shard[0] == 0 && by_shard[1] == EACCES);

  std::array<int, 2> by_worker{-1, -1};
  std::thread([&] {  // as those of the blocking pool and of the log are made
    by_worker = {errno_of_open(tree.inside()), errno_of_open(tree.outside())};
  })
      .join();
  CHILD_CHECK(by_worker[0] == 0 && by_worker[1] == EACCES);
  ::_exit(0);
}

TEST(ConfinementDeathTest, AFileOutsideTheRootsIsRefusedToEveryThreadAndRing) {
  const Tree tree;
  EXPECT_EXIT(open_outside_from_every_thread(tree), ExitedWithCode(0), "");
}

[[noreturn]] void reach_other_processes(const Tree& tree) {
  const auto version = landlock::abi_version();
  CHILD_CHECK(version);
  sockaddr_un name{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string abstract = "sluice-confinement-" + std::to_string(::getpid());
  std::memcpy(&name.sun_path[1], abstract.data(), abstract.size());
  const auto name_bytes =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + abstract.size());
  const sluice::UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHILD_CHECK(::bind(server.get(), reinterpret_cast<sockaddr*>(&name), name_bytes) == 0);
  CHILD_CHECK(::listen(server.get(), 1) == 0);

  const Opened opened = open_as_a_start_does(tree);
  const int web = opened.intake.by_shard[0][0].fd.get();
  sockaddr_in address{};
  socklen_t bytes = sizeof(address);
  CHILD_CHECK(::getsockname(web, reinterpret_cast<sockaddr*>(&address), &bytes) == 0);
  const sluice::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int connected = ::connect(client.get(), reinterpret_cast<sockaddr*>(&address), bytes);
  CHILD_CHECK(*version >= 4 ? connected < 0 && errno == EACCES : connected == 0);
  // A reload may bind more ports.
  const sluice::UniqueFd another(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  address.sin_port = 0;
  CHILD_CHECK(::bind(another.get(), reinterpret_cast<sockaddr*>(&address), bytes) == 0);

  const int signalled = ::kill(::getppid(), 0);
  CHILD_CHECK(*version >= 6 ? signalled < 0 && errno == EPERM : signalled == 0);
  CHILD_CHECK(::kill(::getpid(), 0) == 0);
  const sluice::UniqueFd peer(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int reached = ::connect(peer.get(), reinterpret_cast<sockaddr*>(&name), name_bytes);
  CHILD_CHECK(*version >= 6 ? reached < 0 && errno == EPERM : reached == 0);
  ::_exit(0);
}

TEST(ConfinementDeathTest, OtherProcessesAreOutOfReach) {
  const Tree tree;
  EXPECT_EXIT(reach_other_processes(tree), ExitedWithCode(0), "");
}

[[noreturn]] void open_beside_a_thread(const Tree& tree) {
  std::thread other([] { ::pause(); });
  other.detach();
  Inheritance inheritance;
  inheritance.user.allow_root = true;
  const auto opened = open(serving(tree.root()), std::move(inheritance));
  CHILD_CHECK(!opened);
  CHILD_CHECK(opened.error().code == cli::ExitCode::kInternal);
  std::fprintf(stderr, "%s\n", opened.error().message.c_str());
  ::_exit(0);
}

TEST(ConfinementDeathTest, AThreadThatWouldEscapeItIsFound) {
  const Tree tree;
  EXPECT_EXIT(open_beside_a_thread(tree), ExitedWithCode(0), "a thread was made before");
}

[[noreturn]] void ask_a_ring_for_something_else() {
  auto ring = sluice::KernelRing::create(control_ring_options());
  CHILD_CHECK(ring);
  for (const sluice::Opcode opcode :
       {sluice::Opcode::connect, sluice::Opcode::socket, sluice::Opcode::unlinkat,
        sluice::Opcode::renameat, sluice::Opcode::linkat, sluice::Opcode::nop}) {
    CHILD_CHECK(!(*ring)->supports(opcode));
    CHILD_CHECK((*ring)->push({.opcode = opcode}));
    CHILD_CHECK((*ring)->enter(sluice::kForever) == 0);
    std::array<sluice::RingCompletion, 2> completions;
    CHILD_CHECK((*ring)->reap(completions) == 1);
    CHILD_CHECK(completions[0].result == -EACCES);
  }
  ::_exit(0);
}

TEST(ConfinementDeathTest, RingsDoNothingThatTheDaemonDoesNotUse) {
  EXPECT_EXIT(ask_a_ring_for_something_else(), ExitedWithCode(0), "");
}

// What of `path` may be done by the rules, those of the same place taken together.
landlock::Access allowed_at(const std::vector<Confinement::Rule>& rules, const fs::path& path) {
  landlock::Access access = 0;
  for (const Confinement::Rule& rule : rules) {
    access |= rule.path == path ? rule.access : 0;
  }
  return access;
}

TEST(Confinement, KeepsWhatTheConfigurationNamesAndNoMore) {
  using namespace landlock;
  const Tree tree;
  config::Config config = serving("/srv/www");
  config.confinement.readable = {"/srv/more"};
  config.sites[0].errors.not_found = "/srv/pages/404.html";
  config.log.access.target = "/var/log/sluice/access.log";
  config.listeners[0].address = *config::parse_listen_address("unix:/run/web/s");
  config.admin.listen = *config::parse_listen_address("unix:/run/admin/s");
  const auto rules =
      Confinement::rules(config, {"/etc/sluice/sluiced.yaml", "/run/sluice/control"});
  const std::map<std::string, Access> expected{{"/srv/www", kReadFile | kReadDirectory},
                                               {"/srv/more", kReadFile | kReadDirectory},
                                               {"/srv/pages", kReadFile},
                                               {"/etc/sluice", kReadFile},
                                               {"/var/log/sluice", kWriteFile | kMakeFile},
                                               {"/run/web", kMakeSocket | kRemoveFile},
                                               {"/run/admin", kMakeSocket | kRemoveFile},
                                               {"/run/sluice", kMakeSocket | kRemoveFile}};
  for (const auto& [path, access] : expected) {
    EXPECT_EQ(allowed_at(rules, path), access) << path;
  }
  for (const Confinement::Rule& rule : rules) {
    const bool is_of_the_system = rule.path.native().starts_with("/proc/") ||
                                  rule.path.native().starts_with("/usr/lib/") ||
                                  rule.path.native().starts_with("/sys/devices/system/");
    EXPECT_TRUE(is_of_the_system || expected.contains(rule.path.native())) << rule.path;
  }
}

TEST(Confinement, AFileAtTheTopOfTheFileSystemDoesNotOpenAllOfIt) {
  config::Config config = serving("/srv/www");
  config.sites[0].errors.gone = "/gone.html";
  config.log.access.target = "/access.log";
  const auto rules = Confinement::rules(config, {"/sluiced.yaml", "/control"});
  for (const Confinement::Rule& rule : rules) {
    EXPECT_NE(rule.path, "/");
  }
  EXPECT_EQ(allowed_at(rules, "/gone.html"), landlock::kReadFile);
  EXPECT_EQ(allowed_at(rules, "/sluiced.yaml"), landlock::kReadFile);

  const fs::path here = fs::current_path();
  EXPECT_EQ(allowed_at(Confinement::rules(config, {"sluiced.yaml", ""}), here),
            landlock::kReadFile);
  fs::current_path("/");
  const auto relative = Confinement::rules(config, {"sluiced.yaml", ""});
  fs::current_path(here);
  EXPECT_EQ(allowed_at(relative, "/"), 0U);
  EXPECT_EQ(allowed_at(relative, "sluiced.yaml"), landlock::kReadFile);
}

TEST(Confinement, ALogThatIsNoFileIsAllowedByItself) {
  config::Config config = serving("/srv/www");
  config.log.access.target = "/dev/null";
  const auto rules = Confinement::rules(config, {});
  EXPECT_EQ(allowed_at(rules, "/dev/null"), landlock::kWriteFile);
  EXPECT_EQ(allowed_at(rules, "/dev"), 0U);
}

TEST(Confinement, WhoIsNotConfinedRefusesNothing) {
  EXPECT_TRUE(Confinement().refusals(serving("/srv/www")).empty());
  EXPECT_FALSE(Confinement().is_in_force());
}

TEST(Confinement, EveryReasonForItsAbsenceHasASentenceWithACure) {
  const auto of = [](int error) {
    return explain_no_landlock(std::error_code(error, std::generic_category()));
  };
  EXPECT_NE(of(ENOSYS).find("CONFIG_SECURITY_LANDLOCK"), std::string::npos);
  EXPECT_NE(of(EOPNOTSUPP).find("lsm="), std::string::npos);
  EXPECT_NE(of(EPERM).find("seccomp"), std::string::npos);
}

}  // namespace
}  // namespace sluiced::service
