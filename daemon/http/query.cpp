#include "http/query.hpp"

#include <algorithm>

namespace sluiced::http {

std::optional<std::string_view> query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), parameter.size() + 1));
    const std::string_view key = parameter.substr(0, parameter.find('='));
    if (key == name) {
      return parameter.substr(std::min(parameter.size(), key.size() + 1));
    }
  }
  return std::nullopt;
}

}  // namespace sluiced::http
