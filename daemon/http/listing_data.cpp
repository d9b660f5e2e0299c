#include "http/listing_data.hpp"

#include <algorithm>
#include <string_view>

#include <nlohmann/json.hpp>

#include "http/characters.hpp"
#include "http/target.hpp"
#include "http/utf8.hpp"

namespace sluiced::http {
namespace {

using Json = nlohmann::ordered_json;

std::string dumped(const Json& value) {
  constexpr int kOnOneLine = -1;
  return value.dump(kOnOneLine, ' ', false, Json::error_handler_t::replace);
}

void append_escaped(std::string& out, std::string_view name) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::string_view kEscaped = "\\\n\r\t";
  constexpr std::string_view kLetters = "\\nrt";
  while (!name.empty()) {
    const Utf8Sequence sequence = first_utf8_sequence(name);
    const char c = name.front();
    if (const auto known = kEscaped.find(c); known != std::string_view::npos) {
      out.push_back('\\');
      out.push_back(kLetters[known]);
    } else if (!sequence.is_valid || is_control(c)) {
      for (const char each : name.substr(0, sequence.bytes)) {
        const auto byte = static_cast<unsigned char>(each);
        out.append("\\x");
        out.push_back(kDigits[byte >> 4]);
        out.push_back(kDigits[byte & 0xf]);
      }
    } else {
      out.append(name.substr(0, sequence.bytes));
    }
    name.remove_prefix(sequence.bytes);
  }
}

}  // namespace

void append_json_start(std::string& out, const ListingFacts& facts) {
  const std::string path = facts.path == "." ? "/" : "/" + std::string(facts.path) + "/";
  const Json head = {{"path", path},
                     {"total", facts.entries()},
                     {"offset", facts.query.offset},
                     {"complete", facts.is_complete}};
  out.append(dumped(head));
  out.pop_back();
  out.append(",\"entries\":[");
}

void append_json_entry(std::string& out, const ListingEntry& entry) {
  // Only the name holds anything that must be escaped; a whole object would take longer.
  out.append("{\"name\":").append(dumped(Json(entry.name))).append(",\"href\":\"");
  append_encoded(out, entry.name);
  if (entry.is_directory) {
    out.append("/\",\"type\":\"directory\"");
  } else {
    out.append("\",\"type\":\"file\",\"size\":").append(std::to_string(entry.size));
  }
  out.append(",\"modified\":\"");
  append_timestamp(out, entry.modified);
  out.append("\"}");
}

void append_text_row(std::string& out, const ListingEntry& entry) {
  constexpr std::size_t kSizeColumn = 15;
  append_timestamp(out, entry.modified);
  const std::string size = entry.is_directory ? "-" : std::to_string(entry.size);
  out.append(std::max(kSizeColumn, size.size() + 1) - size.size(), ' ').append(size).append("  ");
  append_escaped(out, entry.name);
  out.append(entry.is_directory ? "/\n" : "\n");
}

}  // namespace sluiced::http
