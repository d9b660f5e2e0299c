#include "service/landlock.hpp"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

namespace sluiced::service::landlock {
namespace {

// From the kernel's include/uapi/linux/landlock.h of 6.15; the headers of Debian 12 end at version
// 2. A kernel takes as much of the structure as it knows, so the size goes by the version.
struct RulesetAttributes {
  std::uint64_t handled_files;
  std::uint64_t handled_network;
  std::uint64_t scoped;
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed;
  std::int32_t parent_fd;
};
static_assert(sizeof(PathBeneath) == 12);

constexpr unsigned kAskVersion = 1U << 0;
constexpr int kRulePathBeneath = 1;
constexpr std::uint64_t kConnectTcp = 1U << 1;
constexpr std::uint64_t kScopeAbstractSockets = 1U << 0;
constexpr std::uint64_t kScopeSignals = 1U << 1;

constexpr Access kAllOfVersion1 = (1U << 13) - 1;
constexpr Access kRefer = 1U << 13;
constexpr Access kTruncate = 1U << 14;
constexpr Access kDeviceControl = 1U << 15;

Access files_of(int abi) noexcept {
  return kAllOfVersion1 | (abi >= 2 ? kRefer : 0) | (abi >= 3 ? kTruncate : 0) |
         (abi >= 5 ? kDeviceControl : 0);
}

std::size_t size_of(int abi) noexcept {
  return abi < 4   ? offsetof(RulesetAttributes, handled_network)
         : abi < 6 ? offsetof(RulesetAttributes, scoped)
                   : sizeof(RulesetAttributes);
}

}  // namespace

sluice::Result<int> abi_version() noexcept {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kAskVersion);
  if (version < 0) {
    return sluice::failure(errno);
  }
  return std::min(static_cast<int>(version), kNewestAbi);
}

sluice::Result<Ruleset> Ruleset::create(int abi, bool may_reach_abstract_sockets) {
  RulesetAttributes attributes{};
  attributes.handled_files = files_of(abi);
  // A reload may bind new ports, so that is left.
  attributes.handled_network = abi >= 4 ? kConnectTcp : 0;
  if (abi >= 6) {
    attributes.scoped = kScopeSignals | (may_reach_abstract_sockets ? 0 : kScopeAbstractSockets);
  }
  sluice::UniqueFd fd(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size_of(abi), 0U)));
  if (!fd) {
    return sluice::failure(errno);
  }
  return Ruleset(std::move(fd));
}

sluice::Result<void> Ruleset::allow(int file, Access access) const {
  struct stat found{};
  if (::fstat(file, &found) != 0) {
    return sluice::failure(errno);
  }
  const PathBeneath rule{S_ISDIR(found.st_mode) ? access : access & (kReadFile | kWriteFile), file};
  // What can be done with directories only; the kernel takes a rule without rights for a mistake.
  if (rule.allowed == 0) {
    return {};
  }
  if (::syscall(SYS_landlock_add_rule, fd_.get(), kRulePathBeneath, &rule, 0U) != 0) {
    return sluice::failure(errno);
  }
  return {};
}

sluice::Result<void> Ruleset::enforce() const {
  if (::syscall(SYS_landlock_restrict_self, fd_.get(), 0U) != 0) {
    return sluice::failure(errno);
  }
  return {};
}

}  // namespace sluiced::service::landlock
