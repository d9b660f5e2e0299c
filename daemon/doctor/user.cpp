#include <expected>
#include <string>

#include "doctor/doctor.hpp"
#include "service/privileges.hpp"

namespace sluiced::doctor {

std::expected<void, std::string> become(const std::string& user) {
  const auto found = service::find_user(user);
  return found ? service::become(*found) : std::unexpected(found.error());
}

}  // namespace sluiced::doctor
