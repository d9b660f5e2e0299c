#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "admin/family_list.hpp"

namespace sluiced::admin {

/// What the page shows of /proc/self/stat (proc(5)).
struct ProcessStat {
  std::uint64_t threads = 0;
  std::uint64_t start_time_ticks = 0;  // since boot, in units of sysconf(_SC_CLK_TCK)
  std::uint64_t virtual_memory_bytes = 0;
  std::uint64_t resident_memory_pages = 0;

  friend bool operator==(const ProcessStat&, const ProcessStat&) = default;
};

/// Nothing when `text` is not what the kernel writes.
[[nodiscard]] std::optional<ProcessStat> parse_process_stat(std::string_view text);

/// When this process was started, in seconds since the epoch. Taken once and kept: it is worked out
/// from two clocks, and must not move when the system's time is set. It needs no /proc/stat, which
/// is not there under systemd's ProcSubset=pid.
[[nodiscard]] std::optional<double> process_start_time();

/// How many descriptors this process has open, as the kernel tells it by the size of /proc/self/fd:
/// for the price of one stat(2). Since Linux 6.2; 0 before.
[[nodiscard]] std::size_t open_descriptors_by_size() noexcept;
/// The same by listing that directory, for which a descriptor is opened: it is not counted. Nothing
/// when there is no /proc.
[[nodiscard]] std::optional<std::size_t> open_descriptors_by_listing();

/// The families process_*, under the names and meanings that Prometheus's client libraries share.
void append_process_families(std::optional<double> start_time_seconds, FamilyList& families);

/// How many series they are at most.
inline constexpr std::size_t kMaxProcessSeries = 7;

}  // namespace sluiced::admin
