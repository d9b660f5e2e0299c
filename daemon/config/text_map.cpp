// Maps whose keys are the operator's own, such as names of fields or extensions of files.

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "config/reader.hpp"
#include "http/characters.hpp"
#include "text/printable.hpp"

namespace sluiced::config {
namespace {

// Names of fields are the same in whatever case they are written; extensions are in lower case
// here.
bool is_same_word(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, http::to_lower, http::to_lower);
}

}  // namespace

void Reader::read(const YamlNode& node, const std::string& path, const ValueType& type,
                  std::map<std::string, std::string, std::less<>>& out) {
  if (node.kind != YamlNode::Kind::kMap) {
    refuse(node, path, "must be a map, such as " + std::string(type.expected));
    return;
  }
  if (node.keys.size() > type.most_items) {
    refuse(node, path, "has more than " + std::to_string(type.most_items) + " entries");
    return;
  }
  std::map<std::string, std::string, std::less<>> read_here;
  for (std::size_t index = 0; index < node.keys.size(); ++index) {
    const YamlKey& written = node.keys[index];
    const Parsed<std::string> key = type.check_key(written.text);
    if (!key) {
      problems_.error(written.offset, "'" + path + "': " + key.error());
      continue;
    }
    std::string value;
    const std::string value_path = joined(path, *key);
    read(node.items[index], value_path, type, value);
    if (!places_.has(value_path)) {
      continue;
    }
    if (type.check_entry != nullptr) {
      if (const Parsed<void> checked = type.check_entry(*key, value); !checked) {
        refuse(node.items[index], value_path, checked.error());
        continue;
      }
    }
    const bool is_there = std::ranges::any_of(
        read_here, [&key](const auto& entry) { return is_same_word(entry.first, *key); });
    if (is_there) {
      problems_.error(written.offset,
                      "'" + path + "': " + text::in_quotes(written.text) + " is there already");
      continue;
    }
    read_here.emplace(*key, std::move(value));
  }
  for (auto& [key, value] : read_here) {
    out.insert_or_assign(key, std::move(value));
  }
  places_.set(path, node.offset);
}

}  // namespace sluiced::config
