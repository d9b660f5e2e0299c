#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "config/address.hpp"
#include "config/scalar.hpp"
#include "config/source.hpp"
#include "config/yaml_document.hpp"

/// How a description of options (schema.cpp) is turned into values. One table per section says for
/// every key what its value must be, what it means, and which member it fills; everything else is
/// derived from the tables, so that no key is known in two places.
namespace sluiced::config {

/// What a value must be.
struct ValueType {
  enum class Kind : std::uint8_t {
    kBoolean,
    kInteger,
    kSize,      ///< Bytes.
    kDuration,  ///< Milliseconds.
    kChoice,
    kText,
    kAddress,
    kSection,
  };

  Kind kind = Kind::kText;
  std::string_view expected;  ///< Completes "must be ...".
  std::uint64_t minimum = 0;
  std::uint64_t maximum = 0;
  /// A word that stands for "no value": `off`, or for a number `auto`, which is stored as 0.
  std::string_view absent_word = {};
  std::span<const std::string_view> choices = {};
  /// Checks a text and returns it in the form in which it is kept.
  Parsed<std::string> (*check)(std::string_view) = nullptr;
  /// In a list of such values: how many there may be.
  std::size_t fewest_items = 0;
  std::size_t most_items = 0;
  /// Of a map of texts: checks a key, as `check` does a value.
  Parsed<std::string> (*check_key)(std::string_view) = nullptr;
  /// The same: checks what a key demands of its value, once both have passed.
  Parsed<void> (*check_entry)(std::string_view key, std::string_view value) = nullptr;
};

enum class Presence : std::uint8_t { kOptional, kRequired };

/// How a value is written down: what ValueType says holds for each of its parts.
enum class Shape : std::uint8_t { kScalar, kList, kMap, kSection, kSectionList };

/// What is known of one key, apart from the section it belongs to.
struct FieldInfo {
  std::string_view key;
  ValueType type;
  std::string_view doc;
  Presence presence = Presence::kOptional;
  Shape shape = Shape::kScalar;
  /// The keys of the section, or of each section of a list; null for other shapes.
  std::vector<FieldInfo> (*children)() = nullptr;
  /// What stands for the key where the file has none, if that does not depend on other keys.
  YamlNode (*initial)(const ValueType&) = nullptr;
};

class Reader;

/// One row of a section's table.
template <class Section>
struct Field {
  FieldInfo info;
  void (*read)(Reader&, const YamlNode&, const std::string& path, const ValueType&, Section&);
  /// What reads as the same value; nothing for a value that stands for no value given.
  YamlNode (*write)(const ValueType&, const Section&);
};

/// The table of a section; specialised in schema.cpp for every struct that is one.
template <class Section>
[[nodiscard]] std::span<const Field<Section>> fields_of();

/// A fresh element for a list of sections inside `parent`: where inherited values come from.
template <class Element, class Parent>
[[nodiscard]] Element new_element(const Parent&) {
  return Element{};
}

/// All that is known of the keys of a section.
template <class Section>
[[nodiscard]] std::vector<FieldInfo> infos_of() {
  std::vector<FieldInfo> infos;
  for (const Field<Section>& field : fields_of<Section>()) {
    infos.push_back(field.info);
  }
  return infos;
}

/// Reads scalars and lists of them from nodes into values, and reports what does not fit. A value
/// that does not fit is left as it was, and gets no place.
class Reader {
 public:
  Reader(Problems& problems, Places& places) noexcept : problems_(problems), places_(places) {}

  void read(const YamlNode&, const std::string& path, const ValueType&, bool& out);
  void read(const YamlNode&, const std::string& path, const ValueType&, std::uint32_t& out);
  void read(const YamlNode&, const std::string& path, const ValueType&, std::uint64_t& out);
  void read(const YamlNode&, const std::string& path, const ValueType&,
            std::chrono::milliseconds& out);
  void read(const YamlNode&, const std::string& path, const ValueType&, std::string& out);
  void read(const YamlNode&, const std::string& path, const ValueType&, ListenAddress& out);
  void read(const YamlNode&, const std::string& path, const ValueType&,
            std::vector<std::string>& out);
  /// Adds to what there is, and replaces what has the same key.
  void read(const YamlNode&, const std::string& path, const ValueType&,
            std::map<std::string, std::string, std::less<>>& out);

  /// Values that `off` stands for the absence of.
  template <class Value>
  void read(const YamlNode& node, const std::string& path, const ValueType& type,
            std::optional<Value>& out) {
    if (is_word(node, type.absent_word)) {
      out.reset();
      places_.set(path, node.offset);
      return;
    }
    Value value = out.value_or(Value{});
    read(node, path, type, value);
    if (places_.has(path)) {
      out = std::move(value);
    }
  }

  /// Choices: the enumerators are numbered in the order of ValueType::choices.
  template <class Enum>
    requires std::is_enum_v<Enum>
  void read(const YamlNode& node, const std::string& path, const ValueType& type, Enum& out) {
    if (const std::optional<std::size_t> index = read_choice(node, path, type)) {
      out = static_cast<Enum>(*index);
    }
  }

  template <class Section>
  void read_section(const YamlNode& node, const std::string& path, Section& out) {
    if (!check_section(node, path, infos_of<Section>())) {
      return;
    }
    for (const Field<Section>& field : fields_of<Section>()) {
      if (const YamlNode* value = node.find(field.info.key)) {
        field.read(*this, *value, joined(path, field.info.key), field.info.type, out);
      }
    }
  }

  template <class Element, class Parent>
  void read_sections(const YamlNode& node, const std::string& path, const ValueType& type,
                     const Parent& parent, std::vector<Element>& out) {
    if (!check_list(node, path, type)) {
      return;
    }
    for (std::size_t index = 0; index < node.items.size(); ++index) {
      Element element = new_element<Element>(parent);
      read_section(node.items[index], indexed(path, index), element);
      out.push_back(std::move(element));
    }
  }

  [[nodiscard]] static std::string joined(const std::string& path, std::string_view key);
  [[nodiscard]] static std::string indexed(const std::string& path, std::size_t index);

 private:
  static bool is_word(const YamlNode& node, std::string_view word) noexcept;
  /// The scalar's text, or null after reporting that the node is none.
  const std::string* scalar(const YamlNode& node, const std::string& path, const ValueType& type);
  void refuse(const YamlNode& node, const std::string& path, std::string_view why);
  bool check_range(const YamlNode& node, const std::string& path, const ValueType& type,
                   std::uint64_t value);
  std::optional<std::size_t> read_choice(const YamlNode& node, const std::string& path,
                                         const ValueType& type);
  /// Whether the node is a map with known keys only and all that are required; reports the rest.
  bool check_section(const YamlNode& node, const std::string& path,
                     const std::vector<FieldInfo>& fields);
  bool check_list(const YamlNode& node, const std::string& path, const ValueType& type);

  Problems& problems_;
  Places& places_;
};

}  // namespace sluiced::config
