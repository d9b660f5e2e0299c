#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluiced::log {

enum class Level : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError };

/// How a line begins.
enum class Style : std::uint8_t {
  kAutomatic,   ///< kJournal where the descriptor leads to the journal, else kTimestamps.
  kTimestamps,  ///< `2026-11-22T07:43:00.123Z warn `: UTC as in RFC 3339.
  kJournal,     ///< `<4>`: a priority of sd-daemon(3); the journal knows the time itself.
};

/// What follows on that.
enum class Format : std::uint8_t {
  kText,  ///< The message, with control characters as escapes.
  kJson,  ///< {"time":"...","level":"warn","message":"..."}; without the time in the journal.
};

/// Longer messages are cut, which bounds the memory of the queue.
constexpr std::size_t kLongestMessageBytes = 2048;
/// A line is never longer than this, its end included, so that a pipe takes it whole (pipe(7)).
constexpr std::size_t kLongestLineBytes = 4096;

struct Options {
  Level level = Level::kInfo;
  /// Where the lines go; not owned, and open for as long as the logger lives.
  int fd = 2;
  Style style = Style::kAutomatic;
  Format format = Format::kText;
  /// Lines that wait to be written. When there are more, the oldest is dropped and counted.
  std::size_t queue_lines = 8192;
  /// How long the destructor waits for a reader that does not take what is left.
  std::chrono::milliseconds flush_timeout = std::chrono::seconds(1);
};

/// Writes lines in a thread of its own. Whoever logs hands a copy of the message to a bounded queue
/// and goes on: a terminal that was stopped, or a pipe that nobody reads, costs log lines and never
/// holds up the caller (who does take a short lock, so requests that go well are not to be logged
/// here). Control characters in messages are written as escapes, so that one message is one line
/// whatever a client has put into it.
///
/// main() owns the one logger and hands it down by reference. All functions may be called from any
/// thread; the destructor only after all other calls have returned.
class Logger {
 public:
  explicit Logger(const Options& options);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  /// Whether messages of this level are written; ask before composing an expensive one.
  [[nodiscard]] bool enabled(Level level) const noexcept;
  void set_level(Level level) noexcept;
  /// Of the lines that are written from now on, those that wait already among them.
  void set_format(Format format) noexcept;

  void write(Level level, std::string_view message);
  void trace(std::string_view message) { write(Level::kTrace, message); }
  void debug(std::string_view message) { write(Level::kDebug, message); }
  void info(std::string_view message) { write(Level::kInfo, message); }
  void warn(std::string_view message) { write(Level::kWarn, message); }
  void error(std::string_view message) { write(Level::kError, message); }

  /// Writes what waits to be written, as the destructor does: the last call but for that.
  void finish();

  /// Lines that were lost since the start, because the queue was full or writing failed. The log
  /// itself tells of them too, once lines can be written again.
  [[nodiscard]] std::uint64_t dropped_total() const;

 private:
  struct Backend;
  std::unique_ptr<Backend> backend_;
};

/// Whether `journal_stream`, the value of the environment variable JOURNAL_STREAM
/// (systemd.exec(5)), names the file that `fd` is open on.
[[nodiscard]] bool is_journal(std::string_view journal_stream, int fd) noexcept;

/// The lines of `text` as they are to be written to `fd` by whoever has no logger: with the
/// priority of `level` before each where the descriptor leads to the journal, else as they are.
[[nodiscard]] std::string with_priorities(std::string_view text, Level level, int fd);

}  // namespace sluiced::log
