// Maps whose keys are the operator's own, such as names of fields or extensions of files.

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "config/reader.hpp"
#include "text/printable.hpp"

namespace sluiced::config {

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
    if (!read_here.emplace(*key, std::move(value)).second) {
      problems_.error(written.offset,
                      "'" + path + "': " + text::in_quotes(written.text) + " is there already");
    }
  }
  for (auto& [key, value] : read_here) {
    out.insert_or_assign(key, std::move(value));
  }
  places_.set(path, node.offset);
}

}  // namespace sluiced::config
