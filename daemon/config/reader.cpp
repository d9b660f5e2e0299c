#include "config/reader.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/suggest.hpp"
#include "text/printable.hpp"

namespace sluiced::config {
namespace {

using text::in_quotes;
using Kind = ValueType::Kind;

std::string_view name_of(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kNothing:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return "a single value";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
  }
  return "";
}

std::string listed(const std::vector<std::string_view>& words) {
  std::string out;
  for (const std::string_view word : words) {
    out += (out.empty() ? "" : ", ") + std::string(word);
  }
  return out;
}

std::string did_you_mean(std::string_view suggestion) {
  return suggestion.empty() ? std::string() : " (did you mean " + in_quotes(suggestion) + "?)";
}

/// `'sites[0]'`, or the words that stand for the whole file.
std::string section_name(const std::string& path) {
  return path.empty() ? "at the top level" : "in '" + path + "'";
}

std::string in_words(std::uint64_t value, Kind kind) {
  if (kind == Kind::kDuration) {
    return format_duration(std::chrono::milliseconds(static_cast<std::int64_t>(value)));
  }
  return kind == Kind::kSize ? format_size(value) : std::to_string(value);
}

}  // namespace

std::string Reader::joined(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + '.' + std::string(key);
}

std::string Reader::indexed(const std::string& path, std::size_t index) {
  return path + '[' + std::to_string(index) + ']';
}

bool Reader::is_word(const YamlNode& node, std::string_view word) noexcept {
  return !word.empty() && node.kind == YamlNode::Kind::kScalar && node.text == word;
}

void Reader::refuse(const YamlNode& node, const std::string& path, std::string_view why) {
  places_.set_refused(path);
  problems_.error(node.offset, "'" + path + "': " + std::string(why));
}

const std::string* Reader::scalar(const YamlNode& node, const std::string& path,
                                  const ValueType& type) {
  if (node.kind == YamlNode::Kind::kScalar) {
    return &node.text;
  }
  refuse(node, path,
         "must be " + std::string(type.expected) + ", not " + std::string(name_of(node.kind)));
  return nullptr;
}

bool Reader::check_range(const YamlNode& node, const std::string& path, const ValueType& type,
                         std::uint64_t value) {
  if (value >= type.minimum && value <= type.maximum) {
    return true;
  }
  refuse(node, path,
         in_quotes(node.text) + " is out of range (" + in_words(type.minimum, type.kind) + " to " +
             in_words(type.maximum, type.kind) + ')');
  return false;
}

void Reader::read(const YamlNode& node, const std::string& path, const ValueType& type, bool& out) {
  const std::string* text = scalar(node, path, type);
  if (text == nullptr) {
    return;
  }
  if (node.quoted) {
    refuse(node, path, in_quotes(*text) + " is a text: remove the quotes");
    return;
  }
  const Parsed<bool> value = parse_boolean(*text);
  if (!value) {
    refuse(node, path, value.error());
    return;
  }
  out = *value;
  places_.set(path, node.offset);
}

void Reader::read(const YamlNode& node, const std::string& path, const ValueType& type,
                  std::uint64_t& out) {
  const std::string* text = scalar(node, path, type);
  if (text == nullptr) {
    return;
  }
  if (is_word(node, type.absent_word)) {
    out = 0;
    places_.set(path, node.offset);
    return;
  }
  if (type.kind == Kind::kInteger && node.quoted) {
    refuse(node, path, in_quotes(*text) + " is a text: remove the quotes");
    return;
  }
  const Parsed<std::uint64_t> value =
      type.kind == Kind::kSize ? parse_size(*text) : parse_integer(*text);
  if (!value) {
    refuse(node, path, value.error());
    return;
  }
  if (check_range(node, path, type, *value)) {
    out = *value;
    places_.set(path, node.offset);
  }
}

void Reader::read(const YamlNode& node, const std::string& path, const ValueType& type,
                  std::uint32_t& out) {
  // The tables keep the ranges of 32-bit options within 32 bits.
  std::uint64_t wide = out;
  read(node, path, type, wide);
  out = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(wide, std::numeric_limits<std::uint32_t>::max()));
}

void Reader::read(const YamlNode& node, const std::string& path, const ValueType& type,
                  std::chrono::milliseconds& out) {
  const std::string* text = scalar(node, path, type);
  if (text == nullptr) {
    return;
  }
  const Parsed<std::chrono::milliseconds> value = parse_duration(*text);
  if (!value) {
    refuse(node, path, value.error());
    return;
  }
  if (check_range(node, path, type, static_cast<std::uint64_t>(value->count()))) {
    out = *value;
    places_.set(path, node.offset);
  }
}

void Reader::read(const YamlNode& node, const std::string& path, const ValueType& type,
                  std::string& out) {
  const std::string* text = scalar(node, path, type);
  if (text == nullptr) {
    return;
  }
  Parsed<std::string> value = type.check(*text);
  if (!value) {
    refuse(node, path, value.error());
    return;
  }
  out = std::move(*value);
  places_.set(path, node.offset);
}

void Reader::read(const YamlNode& node, const std::string& path, const ValueType& type,
                  ListenAddress& out) {
  const std::string* text = scalar(node, path, type);
  if (text == nullptr) {
    return;
  }
  Parsed<ListenAddress> value = parse_listen_address(*text);
  if (!value) {
    refuse(node, path, value.error());
    return;
  }
  out = std::move(*value);
  places_.set(path, node.offset);
}

void Reader::read(const YamlNode& node, const std::string& path, const ValueType& type,
                  std::vector<std::string>& out) {
  if (!check_list(node, path, type)) {
    return;
  }
  out.clear();
  for (std::size_t index = 0; index < node.items.size(); ++index) {
    std::string item;
    read(node.items[index], indexed(path, index), type, item);
    out.push_back(std::move(item));
  }
}

std::optional<std::size_t> Reader::read_choice(const YamlNode& node, const std::string& path,
                                               const ValueType& type) {
  const std::string* text = scalar(node, path, type);
  if (text == nullptr) {
    return std::nullopt;
  }
  const auto found = std::ranges::find(type.choices, *text);
  if (found == type.choices.end()) {
    const std::vector<std::string_view> known(type.choices.begin(), type.choices.end());
    refuse(
        node, path,
        in_quotes(*text) + " is not one of " + listed(known) + did_you_mean(suggest(*text, known)));
    return std::nullopt;
  }
  places_.set(path, node.offset);
  return static_cast<std::size_t>(found - type.choices.begin());
}

bool Reader::check_section(const YamlNode& node, const std::string& path,
                           const std::vector<FieldInfo>& fields) {
  const bool is_empty = node.kind == YamlNode::Kind::kNothing;
  if (!is_empty && node.kind != YamlNode::Kind::kMap) {
    std::string message = "must be a map of keys and values, not ";
    message += name_of(node.kind);
    if (node.kind == YamlNode::Kind::kScalar && node.text.find(':') != std::string::npos) {
      message += " (is a space missing behind the colon?)";
    }
    problems_.error(node.offset, (path.empty() ? "the file" : "'" + path + "':") + ' ' + message);
    return false;
  }
  std::vector<std::string_view> known(fields.size());
  std::ranges::transform(fields, known.begin(), &FieldInfo::key);
  std::vector<std::string_view> misspelt;
  for (const YamlKey& key : node.keys) {
    if (std::ranges::find(known, key.text) != known.end()) {
      continue;
    }
    misspelt.push_back(suggest(key.text, known));
    const std::string advice =
        misspelt.back().empty() ? " (known: " + listed(known) + ')' : did_you_mean(misspelt.back());
    problems_.error(key.offset,
                    "unknown key " + in_quotes(key.text) + ' ' + section_name(path) + advice);
  }
  for (const FieldInfo& field : fields) {
    // A key that is there under a wrong name is one mistake, not two.
    if (field.presence == Presence::kRequired && node.find(field.key) == nullptr &&
        std::ranges::find(misspelt, field.key) == misspelt.end()) {
      problems_.error(node.offset,
                      "missing key " + in_quotes(field.key) + ' ' + section_name(path));
    }
  }
  places_.set(path, node.offset);
  return true;
}

bool Reader::check_list(const YamlNode& node, const std::string& path, const ValueType& type) {
  if (node.kind != YamlNode::Kind::kList) {
    std::string message = "must be a list, not ";
    message += name_of(node.kind);
    if (node.kind == YamlNode::Kind::kScalar) {
      message += ": write [" + text::printable(text::clipped(node.text, 80)) + ']';
    }
    refuse(node, path, message);
    return false;
  }
  if (node.items.size() < type.fewest_items) {
    refuse(node, path, "needs at least " + std::to_string(type.fewest_items) + " entry");
    return false;
  }
  if (node.items.size() > type.most_items) {
    refuse(node, path, "has more than " + std::to_string(type.most_items) + " entries");
    return false;
  }
  places_.set(path, node.offset);
  return true;
}

}  // namespace sluiced::config
