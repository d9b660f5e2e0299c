// Usage: options_manual TEMPLATE
//
// Prints the template of sluiced.yaml(5) with all options in the place of @OPTIONS@, in mdoc(7),
// from the tables that read them.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/scalar.hpp"
#include "config/schema.hpp"

namespace {

using namespace sluiced::config;
using Kind = ValueType::Kind;

/// Text that mdoc shows as it is, each sentence on a line of its own.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char byte : text) {
    const bool starts_line = out.empty() || out.back() == '\n';
    if (starts_line && byte == ' ') {
      continue;
    }
    if (starts_line && (byte == '.' || byte == '\'')) {
      out += "\\&";
    }
    if (byte == ' ' && out.ends_with('.')) {
      out += '\n';
    } else if (byte == '\\') {
      out += "\\e";
    } else {
      out += byte;
    }
  }
  return out;
}

std::string bound(std::uint64_t value, Kind kind) {
  if (kind == Kind::kDuration) {
    return format_duration(std::chrono::milliseconds(static_cast<std::int64_t>(value)));
  }
  return kind == Kind::kSize ? format_size(value) : std::to_string(value);
}

/// What a value may be: "a whole number, 1 to 64, or off".
std::string values_of(const FieldInfo& field) {
  const ValueType& type = field.type;
  std::string out(type.expected);
  if (type.kind == Kind::kChoice) {
    out.clear();
    for (const std::string_view word : type.choices) {
      out.append(out.empty() ? "" : " | ").append(word);
    }
  }
  if (type.maximum > 0) {
    out.append(", ").append(bound(type.minimum, type.kind)).append(" to ");
    out.append(bound(type.maximum, type.kind));
  }
  if (!type.absent_word.empty()) {
    out.append(", or ").append(type.absent_word);
  }
  if (field.shape == Shape::kList || field.shape == Shape::kSectionList) {
    return "a list of " + std::to_string(type.fewest_items) + " to " +
           std::to_string(type.most_items) + ": " + out;
  }
  return field.shape == Shape::kMap ? "a map such as " + out : out;
}

/// Of options that are left out; an empty text where that is not one scalar.
std::string default_of(const FieldInfo& field) {
  if (field.initial == nullptr || field.presence == Presence::kRequired) {
    return {};
  }
  const YamlNode node = field.initial(field.type);
  return node.kind == YamlNode::Kind::kScalar ? node.text : std::string();
}

class Manual {
 public:
  void section(const std::string& path, const std::vector<FieldInfo>& fields) {
    std::printf(".Ss %s\n.Bl -tag -width Ds\n", path.empty() ? "Top level" : path.c_str());
    for (const FieldInfo& field : fields) {
      item(path, field);
    }
    std::printf(".El\n");
    for (const FieldInfo& field : fields) {
      // The rules for fields are the same wherever they stand.
      if (field.children != nullptr &&
          described_.try_emplace(field.doc, path).first->second == path) {
        const char* suffix = field.shape == Shape::kSectionList ? "[]" : "";
        section((path.empty() ? "" : path + '.') + std::string(field.key) + suffix,
                field.children());
      }
    }
  }

 private:
  void item(const std::string& path, const FieldInfo& field) {
    std::printf(".It Ic %s\n", std::string(field.key).c_str());
    const auto [first, is_new] = described_.try_emplace(field.doc, path);
    if (!is_new) {
      std::printf("As in\n.Ic %s .\n", first->second.c_str());
      return;
    }
    std::printf("%s\n.br\n(%s", escaped(field.doc).c_str(), escaped(values_of(field)).c_str());
    if (const std::string value = default_of(field); !value.empty()) {
      std::printf("; default: %s", escaped(value).c_str());
    }
    std::printf("%s)\n", field.presence == Presence::kRequired ? "; required" : "");
  }

  std::map<std::string_view, std::string> described_;
};

}  // namespace

int main(int argc, char** argv) {
  std::ifstream page(argc == 2 ? argv[1] : "");
  if (!page) {
    std::cerr << "usage: options_manual TEMPLATE\n";
    return 64;
  }
  for (std::string line; std::getline(page, line);) {
    if (line == "@OPTIONS@") {
      Manual().section("", infos_of<Config>());
    } else {
      std::printf("%s\n", line.c_str());
    }
  }
  return std::fflush(stdout) == 0 ? 0 : 74;
}
