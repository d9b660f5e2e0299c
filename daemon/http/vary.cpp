#include "http/vary.hpp"

#include <algorithm>

#include "http/characters.hpp"

namespace sluiced::http {
namespace {

bool names(std::string_view list, std::string_view field) {
  while (!list.empty()) {
    const bool is_same = std::ranges::equal(take_list_member(list), field, {}, to_lower, to_lower);
    if (is_same) return true;
  }
  return false;
}

}  // namespace

bool is_vary_value(std::string_view text) {
  bool has_member = false;
  while (!text.empty()) {
    const std::string_view member = take_list_member(text);
    if (member.empty()) continue;
    if (!is_token(member)) return false;  // "*" is one
    has_member = true;
  }
  return has_member;
}

std::string merged_vary(std::string_view own, std::string_view added) {
  if (names(added, "*")) return "*";
  std::string merged(own);
  while (!added.empty()) {
    const std::string_view member = take_list_member(added);
    if (member.empty() || names(merged, member)) continue;
    if (!merged.empty()) merged += ", ";
    merged += member;
  }
  return merged;
}

}  // namespace sluiced::http
