#include "http/date.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <span>

#include "http/characters.hpp"

namespace sluiced::http {
namespace {

constexpr std::int64_t kSecondsOfDay = 86400;

constexpr std::array<std::string_view, 7> kWeekdays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongWeekdays = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

constexpr std::chrono::sys_days days_of(int year, unsigned month, unsigned day) {
  return std::chrono::year(year) / static_cast<int>(month) / static_cast<int>(day);
}

constexpr UnixSeconds kFirstSecond = days_of(1, 1, 1).time_since_epoch().count() * kSecondsOfDay;
constexpr UnixSeconds kEndSecond = days_of(10000, 1, 1).time_since_epoch().count() * kSecondsOfDay;

/// A date as it is written: the parts of a form, before anybody knows whether the day exists.
struct CivilTime {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
};

/// Reads fixed parts off the front of a text; failed() tells whether one was missing.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  void literal(std::string_view expected) {
    if (rest_.starts_with(expected)) {
      rest_.remove_prefix(expected.size());
    } else {
      failed_ = true;
    }
  }

  unsigned digits(std::size_t count) {
    unsigned value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (rest_.empty() || !is_digit(rest_.front())) {
        failed_ = true;
        return 0;
      }
      value = value * 10 + static_cast<unsigned>(rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }

  /// The index of the name that comes next.
  unsigned name(std::span<const std::string_view> names) {
    for (unsigned i = 0; i < names.size(); ++i) {
      if (rest_.starts_with(names[i])) {
        rest_.remove_prefix(names[i].size());
        return i;
      }
    }
    failed_ = true;
    return 0;
  }

  void time_of_day(CivilTime& time) {
    time.hour = digits(2);
    literal(":");
    time.minute = digits(2);
    literal(":");
    time.second = digits(2);
  }

  bool next_is(char c) const { return rest_.starts_with(c); }
  bool succeeded() const { return !failed_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

std::optional<UnixSeconds> to_unix(const CivilTime& time) {
  const std::chrono::year_month_day date{
      std::chrono::year(time.year), std::chrono::month(time.month), std::chrono::day(time.day)};
  if (!date.ok() || time.hour > 23 || time.minute > 59 || time.second > 60) return std::nullopt;
  const std::int64_t second_of_day =
      std::int64_t{time.hour} * 3600 + std::int64_t{time.minute} * 60 + time.second;
  return std::chrono::sys_days(date).time_since_epoch().count() * kSecondsOfDay + second_of_day;
}

CivilTime to_civil(UnixSeconds time) {
  const std::int64_t days =
      time >= 0 ? time / kSecondsOfDay : (time - (kSecondsOfDay - 1)) / kSecondsOfDay;
  const auto second_of_day = static_cast<unsigned>(time - days * kSecondsOfDay);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  return {static_cast<int>(date.year()),     static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()), second_of_day / 3600,
          second_of_day / 60 % 60,           second_of_day % 60};
}

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<UnixSeconds> parse_imf_fixdate(std::string_view text) {
  CivilTime time;
  Reader reader(text);
  reader.name(kWeekdays);
  reader.literal(", ");
  time.day = reader.digits(2);
  reader.literal(" ");
  time.month = reader.name(kMonths) + 1;
  reader.literal(" ");
  time.year = static_cast<int>(reader.digits(4));
  reader.literal(" ");
  reader.time_of_day(time);
  reader.literal(" GMT");
  return reader.succeeded() ? to_unix(time) : std::nullopt;
}

/// "Sunday, 06-Nov-94 08:49:37 GMT"
std::optional<UnixSeconds> parse_rfc850_date(std::string_view text, UnixSeconds now) {
  CivilTime time;
  Reader reader(text);
  reader.name(kLongWeekdays);
  reader.literal(", ");
  time.day = reader.digits(2);
  reader.literal("-");
  time.month = reader.name(kMonths) + 1;
  reader.literal("-");
  const auto year_of_century = static_cast<int>(reader.digits(2));
  reader.literal(" ");
  reader.time_of_day(time);
  reader.literal(" GMT");
  if (!reader.succeeded()) return std::nullopt;

  // The 50 years are a span of the calendar, so the limit is the same moment of another year, and
  // comparing the written parts avoids asking for a 29 February that does not exist.
  const CivilTime limit = to_civil(std::clamp(now, kFirstSecond, kEndSecond - 1));
  const auto is_after_limit = [&limit](const CivilTime& candidate) {
    const auto parts = [](const CivilTime& t, int year) {
      return std::array<int, 6>{year,
                                static_cast<int>(t.month),
                                static_cast<int>(t.day),
                                static_cast<int>(t.hour),
                                static_cast<int>(t.minute),
                                static_cast<int>(t.second)};
    };
    return parts(candidate, candidate.year) > parts(limit, limit.year + 50);
  };
  time.year = limit.year / 100 * 100 + 100 + year_of_century;
  while (is_after_limit(time)) time.year -= 100;
  return to_unix(time);
}

/// "Sun Nov  6 08:49:37 1994"
std::optional<UnixSeconds> parse_asctime_date(std::string_view text) {
  CivilTime time;
  Reader reader(text);
  reader.name(kWeekdays);
  reader.literal(" ");
  time.month = reader.name(kMonths) + 1;
  reader.literal(" ");
  if (reader.next_is(' ')) {
    reader.literal(" ");
    time.day = reader.digits(1);
  } else {
    time.day = reader.digits(2);
  }
  reader.literal(" ");
  reader.time_of_day(time);
  reader.literal(" ");
  time.year = static_cast<int>(reader.digits(4));
  return reader.succeeded() ? to_unix(time) : std::nullopt;
}

void put_two_digits(char* out, unsigned value) {
  out[0] = static_cast<char>('0' + value / 10);
  out[1] = static_cast<char>('0' + value % 10);
}

}  // namespace

HttpDate format_http_date(UnixSeconds time) {
  time = std::clamp(time, kFirstSecond, kEndSecond - 1);
  const CivilTime civil = to_civil(time);
  const std::int64_t days = (time - kFirstSecond) / kSecondsOfDay;
  constexpr std::int64_t kWeekdayOfFirstDay = 1;  // 0001-01-01 was a Monday.
  const auto weekday = static_cast<std::size_t>((days + kWeekdayOfFirstDay) % 7);

  HttpDate date;
  constexpr std::string_view kPattern = "Ddd, 00 Mmm 0000 00:00:00 GMT";
  static_assert(kPattern.size() == kHttpDateBytes);
  std::memcpy(date.data(), kPattern.data(), kPattern.size());
  std::memcpy(date.data(), kWeekdays[weekday].data(), 3);
  put_two_digits(date.data() + 5, civil.day);
  std::memcpy(date.data() + 8, kMonths[civil.month - 1].data(), 3);
  const auto year = static_cast<unsigned>(civil.year);
  put_two_digits(date.data() + 12, year / 100);
  put_two_digits(date.data() + 14, year % 100);
  put_two_digits(date.data() + 17, civil.hour);
  put_two_digits(date.data() + 20, civil.minute);
  put_two_digits(date.data() + 23, civil.second);
  return date;
}

std::optional<UnixSeconds> parse_http_date(std::string_view text, UnixSeconds now) {
  // The fourth byte tells the forms apart: "Sun," "Sunday," and "Sun ".
  if (text.size() < 4) return std::nullopt;
  if (text[3] == ',') return parse_imf_fixdate(text);
  if (text[3] == ' ') return parse_asctime_date(text);
  return parse_rfc850_date(text, now);
}

}  // namespace sluiced::http
