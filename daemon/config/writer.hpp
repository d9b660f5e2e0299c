#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/address.hpp"
#include "config/reader.hpp"
#include "config/yaml_document.hpp"

/// The way back from values to nodes that read as the same values, by the same tables. A value that
/// no file can give, such as the empty name of a page, becomes nothing: the key was not there.
namespace sluiced::config {

[[nodiscard]] YamlNode write(const ValueType&, bool value);
[[nodiscard]] YamlNode write(const ValueType&, std::uint32_t value);
[[nodiscard]] YamlNode write(const ValueType&, std::uint64_t value);
[[nodiscard]] YamlNode write(const ValueType&, std::chrono::milliseconds value);
[[nodiscard]] YamlNode write(const ValueType&, const std::string& value);
[[nodiscard]] YamlNode write(const ValueType&, const ListenAddress& value);
[[nodiscard]] YamlNode write(const ValueType&, const std::vector<std::string>& value);
[[nodiscard]] YamlNode write(const ValueType&,
                             const std::map<std::string, std::string, std::less<>>& value);

/// A scalar that is written without quotes.
[[nodiscard]] YamlNode plain(std::string_view text);
/// An empty list or map, or nothing where that many entries are too few.
[[nodiscard]] YamlNode collection(YamlNode::Kind kind, const ValueType& type, std::size_t count);
void add_entry(YamlNode& map, std::string_view key, YamlNode value);

template <class Value>
[[nodiscard]] YamlNode write(const ValueType& type, const std::optional<Value>& value) {
  return value ? write(type, *value) : plain(type.absent_word);
}

template <class Enum>
  requires std::is_enum_v<Enum>
[[nodiscard]] YamlNode write(const ValueType& type, Enum value) {
  return plain(type.choices[static_cast<std::size_t>(value)]);
}

/// What an element of a list has beyond what it inherits from the section around it.
template <class Element, class Parent>
[[nodiscard]] Element own_part(const Parent&, const Element& element) {
  return element;
}

/// Nothing where a key that must be there has no value: then the section was not given either.
template <class Section>
[[nodiscard]] YamlNode write_section(const Section& section) {
  YamlNode map;
  map.kind = YamlNode::Kind::kMap;
  for (const Field<Section>& field : fields_of<Section>()) {
    YamlNode value = field.write(field.info.type, section);
    if (value.kind != YamlNode::Kind::kNothing) {
      add_entry(map, field.info.key, std::move(value));
    } else if (field.info.presence == Presence::kRequired) {
      return {};
    }
  }
  return map;
}

template <class Element, class Parent>
[[nodiscard]] YamlNode write_sections(const ValueType& type, const Parent& parent,
                                      const std::vector<Element>& elements) {
  YamlNode list = collection(YamlNode::Kind::kList, type, elements.size());
  for (const Element& element : elements) {
    list.items.push_back(write_section(own_part<Element>(parent, element)));
  }
  return list;
}

}  // namespace sluiced::config
