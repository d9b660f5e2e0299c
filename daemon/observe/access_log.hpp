#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include <sluice/cancel.hpp>
#include <sluice/executor.hpp>
#include <sluice/file.hpp>
#include <sluice/sync.hpp>
#include <sluice/task.hpp>
#include <sluice/unique_fd.hpp>

#include "config/config.hpp"
#include "observe/access_line.hpp"
#include "observe/access_log_metrics.hpp"

namespace sluiced::observe {

/// The access log of one shard: a line for each request, gathered in memory and written by the ring
/// a batch at a time, each batch in one write that appends, so that lines of different shards never
/// mix. (A terminal, pipe or socket gets pieces of at most PIPE_BUF bytes, for the same reason.)
///
/// A request never waits for it, and pays neither a lock nor a system call nor an allocation: its
/// line is written into one of two buffers of fixed size, while the other is on its way to the
/// file. A line for which there is no room, or whose write fails, is dropped and counted.
class AccessLog {
 public:
  /// Opens what `target` says: `stderr` or a path. Blocks; for the start.
  [[nodiscard]] static sluice::Result<sluice::UniqueFd> open_target(const std::string& target);

  /// `options.target` is set, and `fd` what open_target() gave for it. The metrics must outlive the
  /// log.
  AccessLog(const config::AccessLog& options, sluice::UniqueFd fd, AccessLogMetrics& metrics);

  /// Adds a line. On the log's shard, like everything that follows.
  void add(const AccessRecord& record) noexcept;

  /// Writes what is added, until finish() or its scope is cancelled. One at a time.
  [[nodiscard]] sluice::Task<void> run();
  /// Opens the file anew before the next write: the old one has been renamed. When that fails the
  /// old one is kept, and tried again at the next call. No effect on stderr.
  void reopen() noexcept;
  /// Lets run() write what is left, and end.
  void finish() noexcept;

 private:
  struct Buffer {
    std::unique_ptr<char[]> room;
    std::size_t bytes = 0;
    std::size_t lines = 0;
  };
  [[nodiscard]] static bool is_full_enough(const Buffer& buffer, std::size_t capacity) noexcept {
    return buffer.bytes >= capacity / 2;
  }
  [[nodiscard]] sluice::Task<void> await_lines();
  [[nodiscard]] sluice::Task<void> await_enough();
  [[nodiscard]] sluice::Task<void> reopen_file();
  [[nodiscard]] sluice::Task<void> write_out(Buffer& buffer);
  [[nodiscard]] std::size_t next_piece(std::string_view rest) const noexcept;

  const config::AccessLog options_;
  AccessLogMetrics& metrics_;
  sluice::File file_;
  bool is_regular_ = false;  // and takes any batch whole
  std::size_t capacity_;     // of each buffer
  Buffer filling_;
  Buffer writing_;
  sluice::Event has_lines_;  // or there is something else to do
  sluice::Event enough_;     // not to wait for more lines
  bool must_reopen_ = false;
  bool finishing_ = false;
  bool is_torn_ = false;  // the last write ended within a line
};

}  // namespace sluiced::observe
