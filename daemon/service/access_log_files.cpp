#include "service/access_log_files.hpp"

#include <utility>

#include "observe/access_log.hpp"

namespace sluiced::service {

std::expected<std::vector<sluice::UniqueFd>, StartError> open_access_log_files(
    const config::Config& config, unsigned shard_count) {
  std::vector<sluice::UniqueFd> files;
  const auto& target = config.log.access.target;
  for (unsigned index = 0; target && index < shard_count; ++index) {
    auto fd = observe::AccessLog::open_target(*target);
    if (!fd) {
      return std::unexpected(cannot_open_log(config, fd.error()));
    }
    files.push_back(std::move(*fd));
  }
  return files;
}

}  // namespace sluiced::service
