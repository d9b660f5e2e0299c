#include "observe/access_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include <sluice/timer.hpp>

namespace sluiced::observe {
namespace {

using namespace std::chrono_literals;

// How long lines are gathered: a batch at any rate of requests, and what an operator who watches
// the file does not notice.
constexpr sluice::Duration kGather = 20ms;
// What the queue has room for is counted in lines; this is what one takes on average, and generous.
constexpr std::size_t kBytesPerLine = 512;
constexpr std::string_view kStderr = "stderr";
constexpr int kOpenFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
constexpr unsigned kOpenMode = 0640;

bool is_regular_file(int fd) noexcept {
  struct stat found{};
  return ::fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
}

std::size_t count_lines(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

sluice::Result<sluice::UniqueFd> AccessLog::open_target(const std::string& target) {
  if (target != kStderr) {
    sluice::UniqueFd fd(::open(target.c_str(), kOpenFlags, kOpenMode));
    return fd ? sluice::Result<sluice::UniqueFd>(std::move(fd)) : sluice::failure(errno);
  }
  sluice::UniqueFd fd(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
  if (!fd) {
    return sluice::failure(errno);
  }
  // A shell's redirection does not append by itself, and other writers share the file.
  if (const int flags = ::fcntl(fd.get(), F_GETFL); flags >= 0 && is_regular_file(fd.get())) {
    ::fcntl(fd.get(), F_SETFL, flags | O_APPEND);
  }
  return fd;
}

AccessLog::AccessLog(const config::AccessLog& options, sluice::UniqueFd fd,
                     AccessLogMetrics& metrics)
    : options_(options),
      metrics_(metrics),
      file_(std::move(fd)),
      is_regular_(is_regular_file(file_.fd())),
      capacity_(options.queue * kBytesPerLine + kLongestAccessLine) {
  // Left as the kernel gives it: pages that no line reaches take no memory.
  filling_.room = std::make_unique_for_overwrite<char[]>(capacity_);
  writing_.room = std::make_unique_for_overwrite<char[]>(capacity_);
}

void AccessLog::add(const AccessRecord& record) noexcept {
  const bool has_room = filling_.lines + writing_.lines < options_.queue &&
                        capacity_ - filling_.bytes >= kLongestAccessLine;
  if (!has_room) {
    metrics_.lines_dropped.add();
    return;
  }
  const std::span room(filling_.room.get() + filling_.bytes, kLongestAccessLine);
  filling_.bytes += options_.format == config::AccessFormat::kJson ? write_json(record, room)
                                                                   : write_combined(record, room);
  ++filling_.lines;
  if (filling_.lines == 1) {
    has_lines_.set();
  }
  if (is_full_enough(filling_, capacity_) || filling_.lines >= options_.queue / 2) {
    enough_.set();
  }
}

void AccessLog::reopen() noexcept {
  must_reopen_ = true;
  has_lines_.set();
  enough_.set();
}

void AccessLog::finish() noexcept {
  finishing_ = true;
  has_lines_.set();
  enough_.set();
}

sluice::Task<void> AccessLog::await_lines() { static_cast<void>(co_await has_lines_.wait()); }
sluice::Task<void> AccessLog::await_enough() { static_cast<void>(co_await enough_.wait()); }

sluice::Task<void> AccessLog::run() {
  const sluice::TaskContext context = co_await sluice::current_context();
  sluice::Deadline gathering(context);
  while (true) {
    co_await await_lines();
    if (context.cancel_scope->is_cancelled()) {
      break;
    }
    gathering.set(context.executor->now() + kGather);
    co_await await_enough().within(gathering.scope());
    const bool is_last = finishing_;
    if (std::exchange(must_reopen_, false)) {
      co_await reopen_file();
    }
    has_lines_.reset();
    enough_.reset();
    std::swap(filling_, writing_);
    co_await write_out(writing_);
    if (context.cancel_scope->is_cancelled() || (is_last && filling_.lines == 0)) {
      break;
    }
    if (finishing_ || must_reopen_) {
      finishing_ ? finish() : reopen();
    }
  }
  metrics_.lines_dropped.add(filling_.lines);
  filling_.lines = filling_.bytes = 0;
}

sluice::Task<void> AccessLog::reopen_file() {
  if (*options_.target == kStderr) {
    co_return;
  }
  auto opened = co_await sluice::File::open(options_.target->c_str(), kOpenFlags, kOpenMode);
  if (!opened) {
    co_return;
  }
  file_ = sluice::File(std::move(*opened));
  is_regular_ = is_regular_file(file_.fd());
  is_torn_ = false;
}

// As many whole lines as one write may carry.
std::size_t AccessLog::next_piece(std::string_view rest) const noexcept {
  if (is_regular_ || rest.size() <= PIPE_BUF) {
    return rest.size();
  }
  const auto end = rest.rfind('\n', PIPE_BUF - 1);
  return end == std::string_view::npos ? rest.size() : end + 1;
}

sluice::Task<void> AccessLog::write_out(Buffer& buffer) {
  if (is_torn_ && buffer.lines > 0) {
    const char end = '\n';
    is_torn_ = !co_await file_.write_at(std::as_bytes(std::span(&end, 1)), 0);
  }
  std::string_view rest(buffer.room.get(), buffer.bytes);
  while (!rest.empty()) {
    const std::string_view piece = rest.substr(0, next_piece(rest));
    // The place does not matter: the file appends, and a pipe has none.
    const auto count = co_await file_.write_at(std::as_bytes(std::span(piece)), 0);
    metrics_.writes.add();
    if (!count || *count == 0) {
      break;
    }
    is_torn_ = rest[*count - 1] != '\n';
    rest.remove_prefix(*count);
  }
  const std::size_t lost = count_lines(rest);
  metrics_.lines_dropped.add(lost);
  metrics_.lines_written.add(buffer.lines - lost);
  buffer.bytes = buffer.lines = 0;
}

}  // namespace sluiced::observe
