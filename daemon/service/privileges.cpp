#include "service/privileges.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "text/printable.hpp"

namespace sluiced::service {
namespace {

using text::in_quotes;

std::string reason(int errno_value) {
  return std::error_code(errno_value, std::generic_category()).message();
}

std::optional<unsigned> number(std::string_view text) noexcept {
  unsigned value = 0;
  const auto end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  // The greatest one means "as it is" to the calls that set ids.
  const bool is_id = parsed.ec == std::errc{} && parsed.ptr == end && value != ~0U;
  return is_id ? std::optional(value) : std::nullopt;
}

std::expected<void, StartError> cannot_drop(const char* what) {
  return std::unexpected(StartError{cli::ExitCode::kOsError,
                                    fmt::format("cannot give up {}: {}", what, reason(errno))});
}

using Capabilities = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

bool has_any(const Capabilities& held) noexcept {
  std::uint32_t all = 0;
  for (const __user_cap_data_struct& some : held) {
    all |= some.effective | some.permitted | some.inheritable;
  }
  return all != 0;
}

// Of the calling thread, which is the only one. A filter that forbids capset(2), as a unit may have
// it, is no hindrance where there is nothing to give up.
std::expected<void, StartError> drop_capabilities() {
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  Capabilities held{};
  if (::syscall(SYS_capget, &header, held.data()) != 0) {
    return cannot_drop("capabilities");
  }
  const Capabilities none{};
  if (has_any(held) && ::syscall(SYS_capset, &header, none.data()) != 0) {
    return cannot_drop("capabilities");
  }
  return {};
}

// What no program that is executed later can get back; takes CAP_SETPCAP, and is of no use to who
// has no capability to begin with.
void drop_bounding_set() noexcept {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
}

}  // namespace

// No other thread is there that could ask as well.
// NOLINTBEGIN(concurrency-mt-unsafe)
std::expected<User, std::string> find_user(const std::string& wanted) {
  const std::size_t colon = wanted.find(':');
  const std::string name = wanted.substr(0, colon);
  User user{.name = wanted};
  const passwd* entry = ::getpwnam(name.c_str());
  const auto uid = number(name);
  if (entry == nullptr && uid) {
    entry = ::getpwuid(*uid);
  }
  if (entry != nullptr) {
    user.uid = entry->pw_uid;
    user.gid = entry->pw_gid;
    user.has_entry = true;
  } else if (uid) {
    user.uid = *uid;
  } else {
    return std::unexpected("there is no user " + in_quotes(name));
  }
  if (colon == std::string::npos) {
    return user.has_entry
               ? std::expected<User, std::string>(user)
               : std::unexpected("the system does not know the group of the user " +
                                 in_quotes(name) + ": name it too, as in " + name + ":" + name);
  }
  const std::string group = wanted.substr(colon + 1);
  const ::group* found = ::getgrnam(group.c_str());
  const auto gid = number(group);
  if (found == nullptr && !gid) {
    return std::unexpected("there is no group " + in_quotes(group));
  }
  user.gid = found != nullptr ? found->gr_gid : *gid;
  return user;
}

std::expected<void, std::string> become(const User& user) {
  if (user.uid == ::geteuid()) {
    return {};
  }
  const passwd* entry = user.has_entry ? ::getpwuid(user.uid) : nullptr;
  const bool has_groups = entry != nullptr ? ::initgroups(entry->pw_name, user.gid) == 0
                                           : ::setgroups(1, &user.gid) == 0;
  if (!has_groups || ::setresgid(user.gid, user.gid, user.gid) != 0 ||
      ::setresuid(user.uid, user.uid, user.uid) != 0) {
    return std::unexpected("cannot become " + in_quotes(user.name) + ": " + reason(errno) +
                           "; only root can");
  }
  return {};
}

std::string describe_user() {
  const uid_t uid = ::geteuid();
  const passwd* entry = ::getpwuid(uid);
  return entry != nullptr ? fmt::format("user {}", entry->pw_name) : fmt::format("user {}", uid);
}
// NOLINTEND(concurrency-mt-unsafe)

bool is_root() noexcept {
  uid_t real = 0;
  uid_t effective = 0;
  uid_t saved = 0;
  ::getresuid(&real, &effective, &saved);
  return real == 0 || effective == 0 || saved == 0;
}

std::expected<std::optional<User>, StartError> choose_user(const std::string& wanted,
                                                           bool allow_root) {
  const auto refused = [](std::string sentence) {
    return std::unexpected(StartError{cli::ExitCode::kPermission, std::move(sentence)});
  };
  std::optional<User> user;
  if (!wanted.empty()) {
    auto found = find_user(wanted);
    if (!found) {
      return std::unexpected(StartError{cli::ExitCode::kConfig, found.error()});
    }
    if (found->uid != ::geteuid() && ::geteuid() != 0) {
      return refused("cannot become " + in_quotes(wanted) + ": only root can");
    }
    user = std::move(*found);
  }
  if ((user ? user->uid == 0 : is_root()) && !allow_root) {
    return refused(
        "sluiced does not serve as root: name who is to serve with --user NAME, or with "
        "runtime.user in the configuration, or insist with --allow-root");
  }
  return user;
}

std::expected<void, StartError> drop_privileges(const std::optional<User>& user) {
  drop_bounding_set();
  if (user) {
    if (auto became = become(*user); !became) {
      return std::unexpected(StartError{cli::ExitCode::kPermission, std::move(became.error())});
    }
  }
  if (auto dropped = drop_capabilities(); !dropped) {
    return dropped;
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return cannot_drop("new privileges");
  }
  if (user && user->uid != 0 && is_root()) {
    return std::unexpected(StartError{cli::ExitCode::kPermission,
                                      "sluiced is still root after it became " + user->name});
  }
  return {};
}

}  // namespace sluiced::service
