#pragma once

#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>

#include "service/start_error.hpp"

/// Who the process is, and what it gives up.
namespace sluiced::service {

/// A user to become.
struct User {
  std::string name;  ///< As it was asked for.
  uid_t uid = 0;
  gid_t gid = 0;
  bool has_entry = false;  ///< Whether the system knows it, and its further groups.
};

/// Looks up `NAME` or `NAME:GROUP`, where each may be a number that the system does not know. The
/// error is a clause.
[[nodiscard]] std::expected<User, std::string> find_user(const std::string& wanted);

/// Makes this process one of that user's for good, with its groups. While there is no other thread.
/// The error is a clause. Only root can, but for who is that user already.
[[nodiscard]] std::expected<void, std::string> become(const User& user);

/// Who is to serve; nothing where that is who the process is already. `wanted` is empty where
/// nobody is named. Root is refused, named or not, unless `allow_root`.
[[nodiscard]] std::expected<std::optional<User>, StartError> choose_user(const std::string& wanted,
                                                                         bool allow_root);

/// Becomes `user`, if there is one, and gives up all capabilities and every way to get new ones
/// (capabilities(7), PR_SET_NO_NEW_PRIVS of prctl(2)), root or not. While there is no other thread.
[[nodiscard]] std::expected<void, StartError> drop_privileges(const std::optional<User>& user);

/// Whether any of the process's user ids is that of root.
[[nodiscard]] bool is_root() noexcept;

/// "user sluice": who the process is now.
[[nodiscard]] std::string describe_user();

}  // namespace sluiced::service
