#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <expected>
#include <string>
#include <system_error>

#include "doctor/doctor.hpp"
#include "text/printable.hpp"

namespace sluiced::doctor {

std::expected<void, std::string> become(const std::string& user) {
  // No other thread is there that could ask as well.
  const passwd* entry = ::getpwnam(user.c_str());  // NOLINT(concurrency-mt-unsafe)
  if (entry == nullptr) {
    return std::unexpected("there is no user " + text::in_quotes(user));
  }
  if (entry->pw_uid == ::geteuid()) {
    return {};
  }
  if (::initgroups(user.c_str(), entry->pw_gid) != 0 ||
      ::setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0 ||
      ::setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0) {
    return std::unexpected("cannot become " + text::in_quotes(user) + ": " +
                           std::error_code(errno, std::generic_category()).message() +
                           "; only root can");
  }
  return {};
}

}  // namespace sluiced::doctor
