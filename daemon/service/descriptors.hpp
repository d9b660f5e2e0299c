// The limits of the process, and what the descriptors that the system allows are used for.
#pragma once

#include <cstddef>
#include <cstdint>

#include "config/config.hpp"
#include "files/file_cache.hpp"

namespace sluiced::service {

/// Raises the limit of open files as far as the configuration wants and the system allows.
void raise_open_file_limit(std::uint64_t wanted) noexcept;

/// Has the kernel make its table of descriptors as large as the limit of open files lets it become,
/// up to 65,536 of them (half a mebibyte). It would else double as they come, and a process with
/// threads waits each time until every CPU has passed through the scheduler: its shards stood still
/// for some ten milliseconds.
void reserve_descriptor_table() noexcept;

/// Raises the limit of locked memory, which rings are charged to, as far as the system allows.
/// While it is root: root is not held to the limit, and who serves afterwards would be.
void raise_locked_memory_limit() noexcept;

/// How many files each shard keeps: a quarter of the descriptors at the most.
[[nodiscard]] files::FileCacheOptions cache_options(const config::Runtime& runtime,
                                                    std::size_t shards) noexcept;

/// How many connections there can be. Not counted in are the descriptors that are open at the time
/// of the call and those of kept files, and a share of the rest, so that files can still be opened
/// when there are as many connections as there may be.
[[nodiscard]] std::size_t most_connections(const config::Runtime& runtime);

}  // namespace sluiced::service
