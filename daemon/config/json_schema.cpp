#include "config/json_schema.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/reader.hpp"
#include "config/scalar.hpp"
#include "config/schema.hpp"

namespace sluiced::config {
namespace {

using Json = nlohmann::ordered_json;
using Kind = ValueType::Kind;

Json section_of(const std::vector<FieldInfo>& fields);

Json integer_of(const ValueType& type) {
  return {{"type", "integer"}, {"minimum", type.minimum}, {"maximum", type.maximum}};
}

Json words_of(const ValueType& type) {
  Json words = Json::array();
  for (const std::string_view word : type.choices) {
    words.push_back(word);
    // YAML takes a bare 301 for a number.
    if (const Parsed<std::uint64_t> number = parse_integer(word)) {
      words.push_back(*number);
    }
  }
  return {{"enum", words}};
}

Json value_of(const ValueType& type) {
  switch (type.kind) {
    case Kind::kBoolean:
      return {{"type", "boolean"}};
    case Kind::kInteger:
      return integer_of(type);
    case Kind::kSize:
      return {{"anyOf", {integer_of(type), {{"type", "string"}, {"pattern", kSizePattern}}}}};
    case Kind::kDuration:
      return {{"anyOf", {{{"type", "string"}, {"pattern", kDurationPattern}}, {{"const", 0}}}}};
    case Kind::kChoice:
      return words_of(type);
    case Kind::kText:
    case Kind::kAddress:
    case Kind::kSection:
      break;
  }
  return {{"type", "string"}};
}

Json scalar_of(const ValueType& type) {
  if (type.absent_word.empty()) {
    return value_of(type);
  }
  return {{"anyOf", {value_of(type), {{"const", type.absent_word}}}}};
}

Json list_of(const FieldInfo& field, const Json& item) {
  return {{"type", "array"},
          {"items", item},
          {"minItems", field.type.fewest_items},
          {"maxItems", field.type.most_items}};
}

Json shape_of(const FieldInfo& field) {
  switch (field.shape) {
    case Shape::kScalar:
      break;
    case Shape::kList:
      return list_of(field, value_of(field.type));
    case Shape::kMap:
      return {{"type", "object"},
              {"additionalProperties", value_of(field.type)},
              {"maxProperties", field.type.most_items}};
    case Shape::kSection:
      return section_of(field.children());
    case Shape::kSectionList:
      return list_of(field, section_of(field.children()));
  }
  return scalar_of(field.type);
}

Json json_of(const YamlNode& node, Kind kind) {
  if (node.kind == YamlNode::Kind::kList || node.kind == YamlNode::Kind::kMap) {
    Json out = node.kind == YamlNode::Kind::kList ? Json::array() : Json::object();
    for (std::size_t index = 0; index < node.items.size(); ++index) {
      Json item = json_of(node.items[index], kind);
      if (node.kind == YamlNode::Kind::kList) {
        out.push_back(std::move(item));
      } else {
        out[node.keys[index].text] = std::move(item);
      }
    }
    return out;
  }
  if (kind == Kind::kBoolean) {
    return node.text == "true";
  }
  if (const Parsed<std::uint64_t> number = parse_integer(node.text);
      number && !node.quoted && kind != Kind::kChoice) {
    return *number;
  }
  return node.text;
}

Json property_of(const FieldInfo& field) {
  Json out{{"description", field.doc}};
  out.update(shape_of(field));
  if (field.initial != nullptr && field.presence == Presence::kOptional) {
    const YamlNode initial = field.initial(field.type);
    if (initial.kind != YamlNode::Kind::kNothing) {
      out["default"] = json_of(initial, field.type.kind);
    }
  }
  return out;
}

Json section_of(const std::vector<FieldInfo>& fields) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const FieldInfo& field : fields) {
    properties[std::string(field.key)] = property_of(field);
    if (field.presence == Presence::kRequired) {
      required.push_back(field.key);
    }
  }
  // A section may be there and hold nothing, unless something must be in it.
  Json out{{"type", required.empty() ? Json{"object", "null"} : Json("object")},
           {"properties", properties},
           {"additionalProperties", false}};
  if (!required.empty()) {
    out["required"] = required;
  }
  return out;
}

}  // namespace

std::string json_schema() {
  Json out{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
           {"title", "The configuration of sluiced"}};
  out.update(section_of(infos_of<Config>()));
  return out.dump(2) + '\n';
}

}  // namespace sluiced::config
