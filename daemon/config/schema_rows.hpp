// What the tables of schema*.cpp are made of: the types of values, and rows that know the member
// they fill.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "config/reader.hpp"
#include "config/text_rules.hpp"
#include "config/writer.hpp"

namespace sluiced::config::schema {

using Kind = ValueType::Kind;

constexpr std::chrono::milliseconds kLongestTimeout = std::chrono::hours(24);

// What values may be.

constexpr ValueType boolean() { return {.kind = Kind::kBoolean, .expected = "true or false"}; }

constexpr ValueType number(Kind kind, std::string_view expected, std::uint64_t minimum,
                           std::uint64_t maximum) {
  return {.kind = kind, .expected = expected, .minimum = minimum, .maximum = maximum};
}

constexpr ValueType integer(std::uint64_t minimum, std::uint64_t maximum) {
  return number(Kind::kInteger, "a whole number", minimum, maximum);
}

constexpr ValueType size(std::uint64_t minimum, std::uint64_t maximum) {
  return number(Kind::kSize, "a size such as 8KiB", minimum, maximum);
}

constexpr ValueType duration(std::chrono::milliseconds minimum) {
  return number(Kind::kDuration, "a time such as 10s", static_cast<std::uint64_t>(minimum.count()),
                static_cast<std::uint64_t>(kLongestTimeout.count()));
}

constexpr ValueType choice(std::span<const std::string_view> choices) {
  return {.kind = Kind::kChoice, .expected = "one word", .choices = choices};
}

constexpr ValueType text(std::string_view expected,
                         Parsed<std::string> (*check)(std::string_view)) {
  return {.kind = Kind::kText, .expected = expected, .check = check};
}

constexpr ValueType address() {
  return {.kind = Kind::kAddress, .expected = "an address such as 127.0.0.1:8080"};
}

constexpr ValueType section() { return {.kind = Kind::kSection, .expected = "a map"}; }

/// The type with a word that stands for no value.
constexpr ValueType or_word(std::string_view word, ValueType type) {
  type.absent_word = word;
  return type;
}

constexpr ValueType list_of(std::size_t fewest, std::size_t most, ValueType type) {
  type.fewest_items = fewest;
  type.most_items = most;
  return type;
}

// How a row is made from the member that it fills.

template <class T>
struct OwnerOf;
template <class Owner, class T>
struct OwnerOf<T Owner::*> {
  using Type = Owner;
};

template <class T>
constexpr bool kIsSection = std::is_aggregate_v<T> && !std::same_as<T, ListenAddress>;
template <class T>
constexpr bool kIsSectionList = false;
template <class T>
constexpr bool kIsSectionList<std::vector<T>> = kIsSection<T>;

template <auto First, auto... Rest>
constexpr auto& member_of(auto& object) {
  if constexpr (sizeof...(Rest) == 0) {
    return object.*First;
  } else {
    return member_of<Rest...>(object.*First);
  }
}

template <class Member>
constexpr Shape shape_of() {
  if constexpr (kIsSection<Member>) {
    return Shape::kSection;
  } else if constexpr (kIsSectionList<Member>) {
    return Shape::kSectionList;
  } else if constexpr (std::same_as<Member, std::vector<std::string>>) {
    return Shape::kList;
  } else {
    return std::same_as<Member, TextMap> ? Shape::kMap : Shape::kScalar;
  }
}

template <class Member>
constexpr auto children_of() -> std::vector<FieldInfo> (*)() {
  if constexpr (kIsSection<Member>) {
    return infos_of<Member>;
  } else if constexpr (kIsSectionList<Member>) {
    return infos_of<typename Member::value_type>;
  } else {
    return nullptr;
  }
}

template <class Section, auto... Chain>
YamlNode write_member(const ValueType& type, const Section& section) {
  const auto& member = member_of<Chain...>(section);
  using Member = std::remove_cvref_t<decltype(member)>;
  if constexpr (kIsSection<Member>) {
    return write_section(member);
  } else if constexpr (kIsSectionList<Member>) {
    return write_sections(type, section, member);
  } else {
    return write(type, member);
  }
}

/// A row for the member that `First`, or the chain of member pointers it begins, leads to.
template <auto First, auto... Rest>
constexpr auto row(std::string_view key, ValueType type, std::string_view doc,
                   Presence presence = Presence::kOptional) {
  using Section = typename OwnerOf<decltype(First)>::Type;
  using Member = std::remove_cvref_t<decltype(member_of<First, Rest...>(std::declval<Section&>()))>;
  FieldInfo info{key, type, doc, presence, shape_of<Member>(), children_of<Member>()};
  // What a chain leads to is inherited, and sections have defaults of their own.
  if constexpr (sizeof...(Rest) == 0 && !kIsSection<Member>) {
    info.initial = [](const ValueType& kind) { return write_member<Section, First>(kind, {}); };
  }
  return Field<Section>{info,
                        [](Reader& reader, const YamlNode& node, const std::string& path,
                           const ValueType& kind, Section& section) {
                          auto& member = member_of<First, Rest...>(section);
                          if constexpr (kIsSection<Member>) {
                            reader.read_section(node, path, member);
                          } else if constexpr (kIsSectionList<Member>) {
                            reader.read_sections(node, path, kind, section, member);
                          } else {
                            reader.read(node, path, kind, member);
                          }
                        },
                        write_member<Section, First, Rest...>};
}

constexpr ValueType kNameType = text("a name", check_name);

}  // namespace sluiced::config::schema
