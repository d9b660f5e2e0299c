#include "admin/process_families.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <ctime>
#include <limits>
#include <memory>
#include <system_error>

#include <sluice/unique_fd.hpp>

// The files of /proc are read with plain system calls, past the ring: the kernel makes them up in
// memory, so that there is nothing to wait for.

namespace sluiced::admin {
namespace {

double seconds_of(clockid_t clock) noexcept {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// Takes the next word of `text`, up to a blank, and the blank.
std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size() < text.size() ? word.size() + 1 : text.size());
  return word;
}

std::optional<ProcessStat> read_process_stat() {
  const sluice::UniqueFd file(::open("/proc/self/stat", O_RDONLY | O_CLOEXEC));
  if (!file) {
    return std::nullopt;
  }
  // The line has 52 numbers of at most 20 digits and a name of at most 64 bytes. The kernel hands
  // it over in one piece.
  std::array<char, 2048> buffer;
  const ssize_t length = ::read(file.get(), buffer.data(), buffer.size());
  return length > 0 ? parse_process_stat({buffer.data(), static_cast<std::size_t>(length)})
                    : std::nullopt;
}

void append_descriptors(FamilyList& families) {
  std::optional<std::size_t> open = open_descriptors_by_size();
  if (open == 0U) {
    open = open_descriptors_by_listing();
  }
  if (open) {
    families.begin_gauge("process_open_fds",
                         "Open descriptors: connections, files, listeners and rings.");
    families.sample(*open);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    families.begin_gauge("process_max_fds",
                         "The most descriptors that the process may open: its soft limit.");
    families.sample(limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<double>::infinity()
                                                    : static_cast<double>(limit.rlim_cur));
  }
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
  // "pid (name) state ...": the name may hold blanks and parentheses, so the last one ends it.
  const std::size_t end_of_name = text.rfind(") ");
  if (end_of_name == std::string_view::npos) {
    return std::nullopt;
  }
  text.remove_prefix(end_of_name + 2);
  ProcessStat stat;
  // Numbered as in proc(5); the state, which comes first here, is number 3.
  for (int field = 3; field <= 24; ++field) {
    const std::string_view word = take_word(text);
    std::uint64_t* number = nullptr;
    switch (field) {
      case 20:
        number = &stat.threads;
        break;
      case 22:
        number = &stat.start_time_ticks;
        break;
      case 23:
        number = &stat.virtual_memory_bytes;
        break;
      case 24:
        number = &stat.resident_memory_pages;
        break;
      default:
        continue;
    }
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), *number);
    if (error != std::errc{} || end != word.data() + word.size()) {
      return std::nullopt;
    }
  }
  return stat;
}

std::optional<double> process_start_time() {
  const std::optional<ProcessStat> stat = read_process_stat();
  if (!stat) {
    return std::nullopt;
  }
  const double booted_at = seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME);
  return booted_at +
         static_cast<double>(stat->start_time_ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::size_t open_descriptors_by_size() noexcept {
  struct stat status{};
  return ::stat("/proc/self/fd", &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
}

std::optional<std::size_t> open_descriptors_by_listing() {
  struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir("/proc/self/fd"));
  if (!directory) {
    return std::nullopt;
  }
  std::size_t count = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    count += entry->d_name[0] != '.' ? 1U : 0U;
  }
  return count - 1;
}

void append_process_families(std::optional<double> start_time_seconds, FamilyList& families) {
  families.begin_counter("process_cpu_seconds_total",
                         "CPU time spent by all threads, the kernel's workers for the rings "
                         "included, in user and kernel mode.");
  families.sample(seconds_of(CLOCK_PROCESS_CPUTIME_ID));
  if (const std::optional<ProcessStat> stat = read_process_stat()) {
    families.begin_gauge("process_resident_memory_bytes", "Memory that is in RAM.");
    families.sample(stat->resident_memory_pages *
                    static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
    families.begin_gauge("process_virtual_memory_bytes",
                         "Address space, most of which is never touched.");
    families.sample(stat->virtual_memory_bytes);
    families.begin_gauge("process_threads",
                         "Threads, the kernel's workers for the rings included.");
    families.sample(stat->threads);
  }
  append_descriptors(families);
  if (start_time_seconds) {
    families.begin_gauge("process_start_time_seconds",
                         "When the process was started, in seconds since the epoch.");
    families.sample(*start_time_seconds);
  }
}

}  // namespace sluiced::admin
