#include "observe/access_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>

#include "text/json_escape.hpp"

namespace sluiced::observe {
namespace {

constexpr std::string_view kDigits = text::kHexDigits;
// The most that a text takes in a line, escapes included. They come to well below the longest line
// together with everything else.
constexpr std::size_t kLongestTarget = 1536;
constexpr std::size_t kLongestPath = 768;
constexpr std::size_t kLongestText = 512;
constexpr std::size_t kLongestName = 64;

// Appends to a fixed room. What does not fit is left out.
class Line {
 public:
  explicit Line(std::span<char> room) noexcept : room_(room) {}

  void put(std::string_view text) noexcept {
    const std::size_t count = std::min(text.size(), room_.size() - size_);
    std::memcpy(room_.data() + size_, text.data(), count);
    size_ += count;
  }
  void put_number(std::uint64_t number) noexcept {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    put({digits.data(), static_cast<std::size_t>(end - digits.data())});
  }
  void put_padded(unsigned number, unsigned width) noexcept {
    std::array<char, 9> digits;
    for (unsigned place = width; place > 0; --place) {
      digits[place - 1] = static_cast<char>('0' + number % 10);
      number /= 10;
    }
    put({digits.data(), width});
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::span<char> room_;
  std::size_t size_ = 0;
};

using text::json_piece;
using text::Piece;

Piece combined_piece(std::string_view text, std::size_t at) noexcept {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\') {
    return text::plain_byte(text[at]);
  }
  return {{'\\', 'x', kDigits[byte >> 4U], kDigits[byte & 0x0FU]}, 4, 1};
}

template <class Escape>
void put_escaped(Line& line, std::string_view text, std::size_t longest, Escape escape) noexcept {
  constexpr std::string_view kCut = "...";
  std::size_t written = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Piece piece = escape(text, at);
    if (written + piece.size + kCut.size() > longest) {
      line.put(kCut);
      return;
    }
    line.put({piece.text.data(), piece.size});
    written += piece.size;
    at += piece.consumed;
  }
}

struct Civil {
  int year;
  unsigned month, day, hour, minute, second;
};

Civil civil_of(std::int64_t seconds) noexcept {
  using namespace std::chrono;
  const sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return {static_cast<int>(date.year()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          static_cast<unsigned>(clock.hours().count()),
          static_cast<unsigned>(clock.minutes().count()),
          static_cast<unsigned>(clock.seconds().count())};
}

void put_clock(Line& line, const Civil& civil) noexcept {
  line.put_padded(civil.hour, 2);
  line.put(":");
  line.put_padded(civil.minute, 2);
  line.put(":");
  line.put_padded(civil.second, 2);
}

void put_combined_time(Line& line, std::int64_t seconds) noexcept {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const Civil civil = civil_of(seconds);
  line.put_padded(civil.day, 2);
  line.put("/");
  line.put(kMonths.substr(std::size_t{3} * (civil.month - 1), 3));
  line.put("/");
  line.put_padded(static_cast<unsigned>(civil.year), 4);
  line.put(":");
  put_clock(line, civil);
  line.put(" +0000");
}

void put_json_time(Line& line, std::int64_t seconds, std::uint32_t nanoseconds) noexcept {
  const Civil civil = civil_of(seconds);
  line.put_padded(static_cast<unsigned>(civil.year), 4);
  line.put("-");
  line.put_padded(civil.month, 2);
  line.put("-");
  line.put_padded(civil.day, 2);
  line.put("T");
  put_clock(line, civil);
  line.put(".");
  line.put_padded(nanoseconds / 1'000'000, 3);
  line.put("Z");
}

void put_or_dash(Line& line, std::string_view text) noexcept {
  if (text.empty()) {
    line.put("-");
  } else {
    put_escaped(line, text, kLongestText, combined_piece);
  }
}

void put_member(Line& line, std::string_view name_and_colon, std::string_view value,
                std::size_t longest = kLongestText) noexcept {
  line.put(name_and_colon);
  line.put("\"");
  put_escaped(line, value, longest, json_piece);
  line.put("\"");
}

// As a client would write it: "." is the root.
void put_path(Line& line, std::string_view path) noexcept {
  line.put(path.empty() ? ",\"path\":\"" : ",\"path\":\"/");
  put_escaped(line, path == "." ? std::string_view() : path, kLongestPath, json_piece);
  line.put("\"");
}

void put_microseconds(Line& line, std::string_view name_and_colon, sluice::Duration time) noexcept {
  line.put(name_and_colon);
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  line.put_number(static_cast<std::uint64_t>(std::max<std::int64_t>(0, count)));
}

}  // namespace

std::size_t write_combined(const AccessRecord& record, std::span<char> room) noexcept {
  Line line(room);
  put_or_dash(line, record.client);
  line.put(" - - [");
  put_combined_time(line, record.when_s);
  line.put("] \"");
  if (!record.method.empty()) {
    put_escaped(line, record.method, kLongestName, combined_piece);
    line.put(" ");
  }
  put_escaped(line, record.target, kLongestTarget, combined_piece);
  if (!record.method.empty()) {
    line.put(" ");
    line.put(record.version);
  }
  line.put("\" ");
  line.put_number(record.status);
  line.put(" ");
  line.put_number(record.content_bytes);
  line.put(" \"");
  put_or_dash(line, record.referer);
  line.put("\" \"");
  put_or_dash(line, record.user_agent);
  line.put("\"\n");
  return line.size();
}

std::size_t write_json(const AccessRecord& record, std::span<char> room) noexcept {
  Line line(room);
  line.put("{\"time\":\"");
  put_json_time(line, record.when_s, record.when_ns);
  line.put("\"");
  put_member(line, ",\"client\":", record.client);
  line.put(",\"port\":");
  line.put_number(record.client_port);
  put_member(line, ",\"listener\":", record.listener, kLongestName + 3);
  put_member(line, ",\"site\":", record.site, kLongestName + 3);
  put_member(line, ",\"method\":", record.method, kLongestName);
  put_member(line, ",\"target\":", record.target, kLongestTarget);
  put_path(line, record.path);
  put_member(line, ",\"protocol\":", record.version);
  line.put(",\"status\":");
  line.put_number(record.status);
  line.put(",\"bytes\":");
  line.put_number(record.content_bytes);
  put_member(line, ",\"outcome\":", record.outcome);
  put_microseconds(line, ",\"header_us\":", record.header_time);
  put_microseconds(line, ",\"first_byte_us\":", record.first_byte_time);
  put_microseconds(line, ",\"total_us\":", record.total_time);
  put_member(line, ",\"referer\":", record.referer);
  put_member(line, ",\"user_agent\":", record.user_agent);
  line.put("}\n");
  return line.size();
}

}  // namespace sluiced::observe
