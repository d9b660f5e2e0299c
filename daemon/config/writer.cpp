#include "config/writer.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/scalar.hpp"

namespace sluiced::config {

YamlNode plain(std::string_view text) {
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.text = text;
  return node;
}

YamlNode collection(YamlNode::Kind kind, const ValueType& type, std::size_t count) {
  YamlNode node;
  if (count >= type.fewest_items) {
    node.kind = kind;
  }
  return node;
}

void add_entry(YamlNode& map, std::string_view key, YamlNode value) {
  map.keys.push_back({std::string(key), kNowhere});
  map.items.push_back(std::move(value));
}

YamlNode write(const ValueType&, bool value) { return plain(value ? "true" : "false"); }

YamlNode write(const ValueType& type, std::uint32_t value) {
  return write(type, std::uint64_t{value});
}

YamlNode write(const ValueType& type, std::uint64_t value) {
  if (value == 0 && type.minimum > 0) {
    return plain(type.absent_word);
  }
  return plain(type.kind == ValueType::Kind::kSize ? format_size(value) : std::to_string(value));
}

YamlNode write(const ValueType&, std::chrono::milliseconds value) {
  return plain(format_duration(value));
}

YamlNode write(const ValueType&, const std::string& value) {
  YamlNode node;
  // No option may be an empty text: that is one which was not given.
  if (!value.empty()) {
    node = plain(value);
    node.quoted = true;
  }
  return node;
}

YamlNode write(const ValueType&, const ListenAddress& value) {
  YamlNode node = plain(to_string(value));
  node.quoted = true;
  return node;
}

YamlNode write(const ValueType& type, const std::vector<std::string>& value) {
  YamlNode list = collection(YamlNode::Kind::kList, type, value.size());
  for (const std::string& item : value) {
    list.items.push_back(write(type, item));
  }
  return list;
}

YamlNode write(const ValueType& type,
               const std::map<std::string, std::string, std::less<>>& value) {
  YamlNode map = collection(YamlNode::Kind::kMap, type, value.size());
  for (const auto& [key, text] : value) {
    add_entry(map, key, write(type, text));
  }
  return map;
}

}  // namespace sluiced::config
