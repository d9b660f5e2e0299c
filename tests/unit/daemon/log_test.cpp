#include "observe/log.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "observe/rate_limit.hpp"

namespace sluiced::log {
namespace {

/// Two connected descriptors, closed at the end.
class Ends {
 public:
  enum class Kind : std::uint8_t { kPipe, kSocket };

  explicit Ends(Kind kind = Kind::kPipe) {
    std::array<int, 2> fds{-1, -1};
    const int result = kind == Kind::kPipe ? ::pipe2(fds.data(), O_CLOEXEC)
                                           : ::socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data());
    EXPECT_EQ(result, 0);
    read_ = fds[0];
    write_ = fds[1];
  }
  ~Ends() {
    close_reader();
    close_writer();
  }
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;

  [[nodiscard]] int writer() const { return write_; }
  void close_reader() { close(read_); }
  void close_writer() { close(write_); }

  /// What is written up to this text, which is waited for.
  std::string read_until(std::string_view end) {
    std::string out;
    char byte = 0;
    while (!out.ends_with(end) && ::read(read_, &byte, 1) == 1) {
      out += byte;
    }
    return out;
  }

  /// All that was written, up to the end; closes the writer first.
  std::string read_all() {
    close_writer();
    std::string out;
    std::array<char, 4096> buffer{};
    while (true) {
      const ssize_t count = ::read(read_, buffer.data(), buffer.size());
      if (count <= 0) {
        return out;
      }
      out.append(buffer.data(), static_cast<std::size_t>(count));
    }
  }

 private:
  static void close(int& fd) {
    if (fd >= 0) {
      ::close(fd);
    }
    fd = -1;
  }

  int read_ = -1;
  int write_ = -1;
};

Options to(const Ends& ends, Style style = Style::kJournal) {
  Options options;
  options.fd = ends.writer();
  options.style = style;
  return options;
}

TEST(Log, WritesLinesInOrderWithTheirPriorityForTheJournal) {
  Ends ends;
  {
    Options options = to(ends);
    options.level = Level::kTrace;
    Logger logger(options);
    logger.trace("one");
    logger.debug("two");
    logger.info("three");
    logger.warn("four {}");
    logger.error("five %s");
    EXPECT_EQ(logger.dropped_total(), 0);
  }
  EXPECT_EQ(ends.read_all(), "<7>one\n<7>two\n<6>three\n<4>four {}\n<3>five %s\n");
}

TEST(Log, BeginsLinesWithTheTimeInUtcElsewhere) {
  Ends ends;
  {
    Logger logger(to(ends, Style::kTimestamps));
    logger.warn("hello");
  }
  const std::regex form(R"(\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d\.\d{3}Z warn hello\n)");
  const std::string line = ends.read_all();
  EXPECT_TRUE(std::regex_match(line, form)) << line;
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  Ends ends;
  {
    Options options = to(ends);
    options.level = Level::kWarn;
    Logger logger(options);
    EXPECT_FALSE(logger.enabled(Level::kInfo));
    EXPECT_TRUE(logger.enabled(Level::kWarn));
    logger.info("no");
    logger.warn("yes");
    logger.set_level(Level::kInfo);
    logger.info("now");
    logger.debug("no");
  }
  EXPECT_EQ(ends.read_all(), "<4>yes\n<6>now\n");
}

TEST(Log, MakesOneLineOfEveryMessage) {
  Ends ends;
  {
    Logger logger(to(ends));
    logger.info("GET /a\r\n<3>forged\x1b[2J\t\x7f");
    logger.info(std::string_view("nul\0byte", 8));
    logger.info("bad \xff utf-8, grün");
    logger.info("");
  }
  EXPECT_EQ(ends.read_all(),
            "<6>GET /a\\r\\n<3>forged\\x1b[2J\\t\\x7f\n<6>nul\\x00byte\n"
            "<6>bad \\xff utf-8, grün\n<6>\n");
}

TEST(Log, CutsLongMessages) {
  Ends ends;
  {
    Logger logger(to(ends));
    logger.info(std::string(100'000, 'x'));
    logger.info(std::string(100'000, '\n'));
  }
  const std::string lines = ends.read_all();
  const std::size_t first_end = lines.find('\n') + 1;
  EXPECT_EQ(lines.substr(0, first_end), "<6>" + std::string(kLongestMessageBytes, 'x') + '\n');
  EXPECT_EQ(lines.size() - first_end, kLongestLineBytes);
  EXPECT_TRUE(lines.ends_with("\\n...\n") || lines.ends_with("\\...\n"));
}

TEST(Log, WritesAnObjectForEachLineInJson) {
  Ends ends;
  {
    Options options = to(ends, Style::kTimestamps);
    options.format = Format::kJson;
    Logger logger(options);
    logger.warn("a \"quote\", a \\, an\nend and \xff, grün");
    logger.info("");
  }
  const std::regex form(
      R"re(\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"warn",)re"
      R"re("message":"a \\"quote\\", a \\\\, an\\u000aend and \\ufffd, grün"\}\n)re"
      R"re(\{"time":"[^"]+","level":"info","message":""\}\n)re");
  const std::string lines = ends.read_all();
  EXPECT_TRUE(std::regex_match(lines, form)) << lines;
}

TEST(Log, WritesJsonBehindAPriorityForTheJournalWhichKnowsTheTime) {
  Ends ends;
  {
    Logger logger(to(ends));
    logger.set_format(Format::kJson);
    logger.error("five");
  }
  EXPECT_EQ(ends.read_all(), "<3>{\"level\":\"error\",\"message\":\"five\"}\n");
}

TEST(Log, CutsALongMessageInJsonWithinItsString) {
  Ends ends;
  {
    Options options = to(ends);
    options.format = Format::kJson;
    Logger logger(options);
    logger.info(std::string(100'000, '\n'));
  }
  const std::string line = ends.read_all();
  EXPECT_LE(line.size(), kLongestLineBytes);
  EXPECT_GT(line.size(), kLongestLineBytes - 20);
  EXPECT_TRUE(line.ends_with("\\u000a...\"}\n")) << line;
}

TEST(Log, NeverHoldsUpTheCallerWhenNobodyReads) {
  for (const Ends::Kind kind : {Ends::Kind::kPipe, Ends::Kind::kSocket}) {
    const Ends ends(kind);
    Options options = to(ends);
    options.queue_lines = 100;
    options.flush_timeout = std::chrono::milliseconds(0);
    Logger logger(options);
    constexpr std::uint64_t lines = 100'000;
    for (std::uint64_t line = 0; line < lines; ++line) {
      logger.info("a line that fills the pipe soon enough, as there are so many of its kind");
    }
    // A pipe takes 64 KiB and a socket some 200 KiB: a few thousand lines at the most.
    EXPECT_GT(logger.dropped_total(), lines / 2);
    EXPECT_LE(logger.dropped_total(), lines);
  }
}

TEST(Log, TellsOfTheGapWhenLinesWereDropped) {
  Ends ends;
  std::string text;
  {
    Options options = to(ends);
    options.queue_lines = 10;
    options.flush_timeout = std::chrono::minutes(5);
    Logger logger(options);
    while (logger.dropped_total() < 1000) {
      logger.info(std::string(1000, 'x'));
    }
    text = ends.read_until(" log lines were dropped here\n");
  }
  EXPECT_TRUE(text.ends_with(" log lines were dropped here\n"));
}

TEST(Log, CountsLinesThatCannotBeWritten) {
  Ends ends;
  ends.close_reader();
  Logger logger(to(ends));
  logger.info("to nobody");
  while (logger.dropped_total() == 0) {
    std::this_thread::yield();
  }
  logger.info("to nobody");
  while (logger.dropped_total() == 1) {
    std::this_thread::yield();
  }
  // The report of the first loss was lost as well; only the caller's lines are counted.
  EXPECT_EQ(logger.dropped_total(), 2);
}

TEST(Log, OutlivesADescriptorThatIsNotOpen) {
  Options options;
  options.fd = 1'000'000;
  Logger logger(options);
  logger.error("to nobody");
  while (logger.dropped_total() == 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(logger.dropped_total(), 1);
}

TEST(Log, TakesMessagesFromManyThreads) {
  Ends ends;
  constexpr int threads = 4;
  constexpr int lines = 200;
  {
    Options options = to(ends);
    options.flush_timeout = std::chrono::minutes(5);
    Logger logger(options);
    std::vector<std::thread> writers;
    for (int thread = 0; thread < threads; ++thread) {
      writers.emplace_back([&logger] {
        for (int line = 0; line < lines; ++line) {
          logger.info("whole");
        }
      });
    }
    for (std::thread& writer : writers) {
      writer.join();
    }
    EXPECT_EQ(logger.dropped_total(), 0);
  }
  std::string expected;
  for (int line = 0; line < threads * lines; ++line) {
    expected += "<6>whole\n";
  }
  EXPECT_EQ(ends.read_all(), expected);
}

TEST(JournalStream, NamesTheDeviceAndInodeOfTheDescriptor) {
  const Ends ends;
  struct stat status{};
  ASSERT_EQ(::fstat(ends.writer(), &status), 0);
  const std::string device = std::to_string(status.st_dev);
  const std::string inode = std::to_string(status.st_ino);
  EXPECT_TRUE(is_journal(device + ':' + inode, ends.writer()));
  EXPECT_FALSE(is_journal(device + ':' + inode + '0', ends.writer()));
  EXPECT_FALSE(is_journal('1' + device + ':' + inode, ends.writer()));
  EXPECT_FALSE(is_journal(device + ':' + inode + 'x', ends.writer()));
  EXPECT_FALSE(is_journal(device, ends.writer()));
  EXPECT_FALSE(is_journal(":", ends.writer()));
  EXPECT_FALSE(is_journal("", ends.writer()));
  EXPECT_FALSE(is_journal(device + ':' + inode, 1'000'000));
}

TEST(JournalStream, DecidesHowLinesBegin) {
  Ends ends;
  struct stat status{};
  ASSERT_EQ(::fstat(ends.writer(), &status), 0);
  const std::string stream = std::to_string(status.st_dev) + ':' + std::to_string(status.st_ino);
  ASSERT_EQ(::setenv("JOURNAL_STREAM", stream.c_str(), 1), 0);
  {
    Logger(to(ends, Style::kAutomatic)).info("hello");
  }
  ASSERT_EQ(::setenv("JOURNAL_STREAM", "1:1", 1), 0);
  {
    Logger(to(ends, Style::kAutomatic)).info("hello");
  }
  ASSERT_EQ(::unsetenv("JOURNAL_STREAM"), 0);
  const std::string lines = ends.read_all();
  EXPECT_TRUE(lines.starts_with("<6>hello\n2")) << lines;
  EXPECT_TRUE(lines.ends_with("Z info hello\n")) << lines;
}

TEST(JournalStream, GivesEachLineOfATextAPriority) {
  const Ends ends;
  struct stat status{};
  ASSERT_EQ(::fstat(ends.writer(), &status), 0);
  EXPECT_EQ(with_priorities("one\ntwo", Level::kWarn, ends.writer()), "one\ntwo");
  const std::string stream = std::to_string(status.st_dev) + ':' + std::to_string(status.st_ino);
  ASSERT_EQ(::setenv("JOURNAL_STREAM", stream.c_str(), 1), 0);
  EXPECT_EQ(with_priorities("one\ntwo", Level::kWarn, ends.writer()), "<4>one\n<4>two");
  EXPECT_EQ(with_priorities("a\n\nb\n", Level::kError, ends.writer()), "<3>a\n<3>\n<3>b\n");
  EXPECT_EQ(with_priorities("", Level::kError, ends.writer()), "");
  ASSERT_EQ(::unsetenv("JOURNAL_STREAM"), 0);
}

TEST(RateLimit, LetsOneThroughPerIntervalAndCountsTheRest) {
  using std::chrono::milliseconds;
  const RateLimit::Clock::time_point start{milliseconds(5)};
  RateLimit limit;
  EXPECT_EQ(limit.admit(start), 0);
  EXPECT_EQ(limit.admit(start), std::nullopt);
  EXPECT_EQ(limit.admit(start + milliseconds(999)), std::nullopt);
  EXPECT_EQ(limit.admit(start + milliseconds(1000)), 2);
  EXPECT_EQ(limit.admit(start + milliseconds(1001)), std::nullopt);
  EXPECT_EQ(limit.admit(start + milliseconds(9000)), 1);
  EXPECT_EQ(limit.admit(start + milliseconds(20'000)), 0);
}

TEST(RateLimit, LetsOneOfManyThreadsThrough) {
  RateLimit limit(std::chrono::hours(1));
  std::atomic<int> admitted{0};
  const auto now = RateLimit::Clock::now();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int attempt = 0; attempt < 1000; ++attempt) {
        admitted += limit.admit(now) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(admitted.load(), 1);
  EXPECT_EQ(limit.admit(now + std::chrono::hours(1)), 3999);
}

}  // namespace
}  // namespace sluiced::log
