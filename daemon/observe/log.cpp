// The only file that sees spdlog. Its asynchronous logger brings the queue and the thread; the sink
// is ours, because spdlog's sinks block on a full pipe, and would keep the process from ending.

#include "observe/log.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>

#include "text/json_escape.hpp"
#include "text/printable.hpp"

namespace sluiced::log {
namespace {

using std::chrono::steady_clock;

/// How often a writer that waits for its reader looks whether the logger is being destroyed.
constexpr std::chrono::milliseconds kPollInterval{50};

/// The end of a message that is too long.
constexpr std::string_view kCut = "...";
constexpr std::array kLevelNames{"trace", "debug", "info", "warn", "error"};
/// The priorities of syslog(3): debug, debug, informational, warning, error.
constexpr std::array kPriorities{7, 7, 6, 4, 3};

spdlog::level::level_enum to_spdlog(Level level) {
  return static_cast<spdlog::level::level_enum>(level);
}

std::size_t index_of(spdlog::level::level_enum level) {
  return std::min<std::size_t>(level, kLevelNames.size() - 1);
}

void append_time(std::string& out, std::chrono::system_clock::time_point time) {
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(milliseconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(milliseconds - day);
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                 static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                 static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(),
                 clock.seconds().count(), clock.subseconds().count());
}

/// The log's thread takes no signal: those of the process belong to main(), and a SIGPIPE of our
/// own write(2) stays pending here, where it harms nobody.
void prepare_thread() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  ::pthread_setname_np(::pthread_self(), "sluiced-log");
}

/// Runs in the log's thread, but for set_format(), stop() and lost().
class DescriptorSink final : public spdlog::sinks::sink {
 public:
  DescriptorSink(int fd, Style style, Format format) : fd_(fd), style_(style), format_(format) {
    struct stat status{};
    is_socket_ = ::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
  }

  /// Must be called before the first message.
  void watch(spdlog::details::thread_pool& queue) { queue_ = &queue; }

  void log(const spdlog::details::log_msg& message) override {
    report_drops(message.time);
    if (!write_line(message.level, message.time,
                    std::string_view(message.payload.data(), message.payload.size()))) {
      lost_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  void set_format(Format format) noexcept { format_.store(format, std::memory_order_relaxed); }
  /// From now on nothing is waited for beyond `deadline`.
  void stop(steady_clock::time_point deadline) noexcept {
    deadline_.store(deadline.time_since_epoch().count(), std::memory_order_release);
  }
  [[nodiscard]] std::uint64_t lost() const noexcept {
    return lost_.load(std::memory_order_relaxed);
  }

 private:
  bool write_line(spdlog::level::level_enum level, std::chrono::system_clock::time_point time,
                  std::string_view message) {
    line_.clear();
    if (style_ == Style::kJournal) {
      fmt::format_to(std::back_inserter(line_), "<{}>", kPriorities[index_of(level)]);
    }
    if (format_.load(std::memory_order_relaxed) == Format::kJson) {
      append_json(level, time, message);
    } else {
      append_text(level, time, message);
    }
    line_ += '\n';
    return write_all(line_);
  }

  void append_text(spdlog::level::level_enum level, std::chrono::system_clock::time_point time,
                   std::string_view message) {
    if (style_ != Style::kJournal) {
      append_time(line_, time);
      fmt::format_to(std::back_inserter(line_), " {} ", kLevelNames[index_of(level)]);
    }
    text::append_printable(line_, message);
    if (line_.size() >= kLongestLineBytes) {
      line_.resize(text::clipped(line_, kLongestLineBytes - kCut.size() - 1).size());
      line_ += kCut;
    }
  }

  void append_json(spdlog::level::level_enum level, std::chrono::system_clock::time_point time,
                   std::string_view message) {
    line_ += '{';
    if (style_ != Style::kJournal) {
      line_ += "\"time\":\"";
      append_time(line_, time);
      line_ += "\",";
    }
    fmt::format_to(std::back_inserter(line_), R"("level":"{}","message":")",
                   kLevelNames[index_of(level)]);
    constexpr std::string_view end = "\"}";
    constexpr std::size_t room = kLongestLineBytes - kCut.size() - end.size() - 1;
    for (std::size_t at = 0; at < message.size();) {
      const text::Piece piece = text::json_piece(message, at);
      if (line_.size() + piece.size > room) {
        line_ += kCut;
        break;
      }
      line_ += piece.view();
      at += piece.consumed;
    }
    line_ += end;
  }

  /// Tells in the log itself that there is a gap in it. The report is no line of the caller's, so
  /// it is not counted where it is lost itself: it is tried again before the next line.
  void report_drops(std::chrono::system_clock::time_point time) {
    const std::uint64_t dropped = queue_->overrun_counter() + lost();
    if (dropped > reported_ &&
        write_line(spdlog::level::warn, time,
                   fmt::format("{} log lines were dropped here", dropped - reported_))) {
      reported_ = dropped;
    }
  }

  bool write_all(std::string_view rest) {
    while (!rest.empty()) {
      if (!wait_until_writable()) {
        return false;
      }
      // A socket may be writable for less than a line; a pipe never is (pipe(7), PIPE_BUF).
      const ssize_t written =
          is_socket_ ? ::send(fd_, rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                     : ::write(fd_, rest.data(), rest.size());
      if (written >= 0) {
        rest.remove_prefix(static_cast<std::size_t>(written));
      } else if (errno != EINTR && errno != EAGAIN) {
        return false;
      }
    }
    return true;
  }

  /// The descriptor is shared with other processes, so it must not be made non-blocking: instead,
  /// it is only written to when it has room.
  [[nodiscard]] bool wait_until_writable() const {
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          steady_clock::time_point(
              steady_clock::duration(deadline_.load(std::memory_order_acquire))) -
          steady_clock::now());
      const auto wait = std::clamp(left, std::chrono::milliseconds(0), kPollInterval);
      pollfd target{.fd = fd_, .events = POLLOUT, .revents = 0};
      const int ready = ::poll(&target, 1, static_cast<int>(wait.count()));
      if (ready > 0) {
        return (target.revents & POLLNVAL) == 0;
      }
      if (ready == 0 && left <= std::chrono::milliseconds(0)) {
        return false;
      }
      if (ready < 0 && errno != EINTR) {
        return false;
      }
    }
  }

  const int fd_;
  const Style style_;
  std::atomic<Format> format_;
  bool is_socket_ = false;
  spdlog::details::thread_pool* queue_ = nullptr;
  std::string line_;
  std::uint64_t reported_ = 0;

  std::atomic<std::uint64_t> lost_{0};
  std::atomic<steady_clock::rep> deadline_{
      steady_clock::time_point::max().time_since_epoch().count()};
};

Style style_of(int fd) {
  const char* journal_stream = std::getenv("JOURNAL_STREAM");
  return journal_stream != nullptr && is_journal(journal_stream, fd) ? Style::kJournal
                                                                     : Style::kTimestamps;
}

Style effective(const Options& options) {
  return options.style != Style::kAutomatic ? options.style : style_of(options.fd);
}

}  // namespace

struct Logger::Backend {
  explicit Backend(const Options& options)
      : sink(std::make_shared<DescriptorSink>(options.fd, effective(options), options.format)),
        queue(std::make_shared<spdlog::details::thread_pool>(
            std::max<std::size_t>(options.queue_lines, 1), 1, prepare_thread)),
        logger(std::make_shared<spdlog::async_logger>(
            "sluiced", sink, queue, spdlog::async_overflow_policy::overrun_oldest)),
        flush_timeout(options.flush_timeout) {
    sink->watch(*queue);
    logger->set_level(to_spdlog(options.level));
  }

  std::shared_ptr<DescriptorSink> sink;
  std::shared_ptr<spdlog::details::thread_pool> queue;
  std::shared_ptr<spdlog::async_logger> logger;
  std::chrono::milliseconds flush_timeout;
};

Logger::Logger(const Options& options) : backend_(std::make_unique<Backend>(options)) {}

Logger::~Logger() { finish(); }

void Logger::finish() {
  backend_->sink->stop(steady_clock::now() + backend_->flush_timeout);
  // Waits until the thread has gone through the queue.
  backend_->queue.reset();
}

bool Logger::enabled(Level level) const noexcept {
  return backend_->logger->should_log(to_spdlog(level));
}

void Logger::set_level(Level level) noexcept { backend_->logger->set_level(to_spdlog(level)); }

void Logger::set_format(Format format) noexcept { backend_->sink->set_format(format); }

void Logger::write(Level level, std::string_view message) {
  if (!enabled(level)) {
    return;
  }
  // As a text, not as a format: braces in it mean nothing.
  const std::string_view kept = text::clipped(message, kLongestMessageBytes);
  backend_->logger->log(to_spdlog(level), spdlog::string_view_t(kept.data(), kept.size()));
}

std::uint64_t Logger::dropped_total() const {
  return backend_->queue->overrun_counter() + backend_->sink->lost();
}

bool is_journal(std::string_view journal_stream, int fd) noexcept {
  const std::size_t colon = journal_stream.find(':');
  struct stat status{};
  if (colon == std::string_view::npos || ::fstat(fd, &status) != 0) {
    return false;
  }
  const auto equals = [](std::string_view text, std::uint64_t number) {
    std::uint64_t parsed = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), parsed);
    return result.ec == std::errc{} && result.ptr == text.data() + text.size() && parsed == number;
  };
  return equals(journal_stream.substr(0, colon), status.st_dev) &&
         equals(journal_stream.substr(colon + 1), status.st_ino);
}

std::string with_priorities(std::string_view text, Level level, int fd) {
  if (style_of(fd) != Style::kJournal) {
    return std::string(text);
  }
  std::string out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
    out += fmt::format("<{}>{}", kPriorities[static_cast<std::size_t>(level)], line);
    text.remove_prefix(line.size());
  }
  return out;
}

}  // namespace sluiced::log
