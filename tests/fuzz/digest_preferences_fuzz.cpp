// Want-Repr-Digest and Want-Content-Digest (RFC 9530 section 4) against an interpreter that goes
// through the dictionary byte by byte. Each line of the input is a line of the field.
#include <string>
#include <string_view>
#include <vector>

#include "field_lines.hpp"
#include "fuzz.hpp"
#include "http/digest_fields.hpp"

namespace sluiced::fuzz {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// A dictionary (RFC 8941 section 3.2) of preferences from 0 to 10, read from the front.
class Dictionary {
 public:
  explicit Dictionary(std::string_view rest) : rest_(rest) {}

  /// False if it is malformed; sets `wanted` for each sha-256 that it comes by.
  bool read(bool& wanted) {
    skip_blanks();
    while (!rest_.empty()) {
      if (!read_member(wanted)) return false;
      skip_blanks();
      if (rest_.empty()) return true;
      if (!take(',')) return false;
      skip_blanks();
      if (rest_.empty()) return false;  // A comma at the end.
    }
    return true;
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool read_member(bool& wanted) {
    std::string key;
    while (!rest_.empty() && (is_lower(rest_[0]) || rest_[0] == '*' ||
                              (!key.empty() && (std::string_view("0123456789_-.").find(rest_[0]) !=
                                                std::string_view::npos)))) {
      key += rest_[0];
      rest_.remove_prefix(1);
    }
    if (key.empty() || !take('=')) return false;
    int preference = -1;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
      if (preference == 0 || preference > 1) return false;  // A leading zero, or more than 19.
      preference = preference < 0 ? rest_[0] - '0' : 10 * preference + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    if (preference < 0 || preference > 10) return false;
    if (take(';')) rest_.remove_prefix(std::min(rest_.find(','), rest_.size()));
    if (key == "sha-256") wanted = preference > 0;
    return true;
  }

  std::string_view rest_;
};

bool interpret(const std::vector<std::string_view>& lines) {
  bool wanted = false;
  for (const std::string_view line : lines) {
    if (!Dictionary(without_blanks(line)).read(wanted)) return false;
  }
  return wanted;
}

}  // namespace
}  // namespace sluiced::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluiced::fuzz;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto lines = split_at(text, '\n');
  const RequestWithLines repr("Want-Repr-Digest", lines);
  if (!repr.is_whole()) return 0;
  const auto wanted = sluiced::http::wanted_digests(repr.fields());
  require(wanted.of_representation == interpret(lines), "the verdict is that of the interpreter");
  require(!wanted.of_content, "one field says nothing of the other digest");
  require(!wanted.of_representation || text.find("sha-256=") != std::string_view::npos,
          "no digest for who does not name its algorithm");
  const RequestWithLines content("Want-Content-Digest", lines);
  if (content.is_whole()) {
    const auto same = sluiced::http::wanted_digests(content.fields());
    require(same.of_content == wanted.of_representation && !same.of_representation,
            "both fields have one grammar");
  }
  lines.emplace_back("sha-256=0");
  const RequestWithLines taken_back("Want-Repr-Digest", lines);
  require(!taken_back.is_whole() || !sluiced::http::wanted_digests(taken_back.fields()).any(),
          "the last preference counts");
  return 0;
}
