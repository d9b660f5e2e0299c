#include "config/dump.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "config/schema.hpp"
#include "config/writer.hpp"
#include "text/printable.hpp"

namespace sluiced::config {
namespace {

using Kind = YamlNode::Kind;

/// Texts that other readers of YAML take for something else when they stand without quotes.
constexpr std::array<std::string_view, 9> kWords{"null", "true", "false", "yes", "no",
                                                 "on",   "off",  "y",     "n"};

bool is_plain_text(std::string_view text) {
  constexpr std::string_view first = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/";
  constexpr std::string_view others = "0123456789.-";
  const auto is_allowed = [&](char byte) {
    return first.find(byte) != std::string_view::npos ||
           others.find(byte) != std::string_view::npos;
  };
  return !text.empty() && first.find(text.front()) != std::string_view::npos &&
         std::ranges::all_of(text, is_allowed) && std::ranges::find(kWords, text) == kWords.end();
}

/// YAML 1.2 section 7.3.1.
std::string in_double_quotes(std::string_view text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const std::optional<text::CodePoint> character = text::decode_utf8(text, at);
    const std::size_t length = character ? character->length_bytes : 1;
    if (text[at] == '"' || text[at] == '\\') {
      out += '\\';
      out += text[at];
    } else if (character && text::is_control(character->value)) {
      constexpr std::string_view digits = "0123456789abcdef";
      out += "\\x";
      out += digits[character->value >> 4U];
      out += digits[character->value & 0xFU];
    } else {
      out.append(text, at, length);
    }
    at += length;
  }
  return out += '"';
}

std::string scalar(const YamlNode& node) {
  return node.quoted && !is_plain_text(node.text) ? in_double_quotes(node.text) : node.text;
}

/// Keys of our own are words or, for statuses, digits; those of operators may be anything.
std::string key(std::string_view text) {
  const bool is_number = text.find_first_not_of("0123456789") == std::string_view::npos;
  return (is_plain_text(text) || (is_number && !text.empty())) ? std::string(text)
                                                               : in_double_quotes(text);
}

class Emitter {
 public:
  /// A map whose first key follows what has been written of its line.
  void map(const YamlNode& node, std::size_t indent) {
    for (std::size_t index = 0; index < node.keys.size(); ++index) {
      if (index > 0) {
        out_.append(indent, ' ');
      }
      out_ += key(node.keys[index].text) + ':';
      value(node.items[index], indent);
    }
  }

  [[nodiscard]] const std::string& text() const noexcept { return out_; }

 private:
  void value(const YamlNode& node, std::size_t indent) {
    if (node.kind == Kind::kMap && !node.items.empty()) {
      out_ += '\n';
      out_.append(indent + 2, ' ');
      map(node, indent + 2);
    } else if (node.kind == Kind::kList && !node.items.empty() &&
               node.items.front().kind == Kind::kMap) {
      out_ += '\n';
      maps(node, indent + 2);
    } else {
      out_ += ' ';
      out_ += node.kind == Kind::kMap ? "{}" : node.kind == Kind::kList ? list(node) : scalar(node);
      out_ += '\n';
    }
  }

  void maps(const YamlNode& node, std::size_t indent) {
    for (const YamlNode& item : node.items) {
      out_.append(indent, ' ');
      out_ += "- ";
      map(item, indent + 2);
    }
  }

  static std::string list(const YamlNode& node) {
    std::string out = "[";
    for (const YamlNode& item : node.items) {
      out += (out.size() > 1 ? ", " : "") + scalar(item);
    }
    return out += ']';
  }

  std::string out_;
};

}  // namespace

std::string to_yaml(const YamlNode& document) {
  Emitter emitter;
  emitter.map(document, 0);
  return emitter.text();
}

std::string dump(const Config& config) { return to_yaml(write_section(config)); }

}  // namespace sluiced::config
