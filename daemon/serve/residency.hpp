#pragma once

#include <cstdint>
#include <optional>

#include <sluice/file.hpp>
#include <sluice/reactor.hpp>

namespace sluiced::serve {

/// What has been found of a range of a file: whether it is in the page cache.
enum class Residency : std::uint8_t { unknown, resident, cold };

/// Whether all of a range seems to be in the page cache, so that sendfile(2) would not sleep on a
/// disk. cachestat(2) is asked, where there is that call (Linux 6.5) and this process may use it
/// (it must be able to write the file, or own it). Since that counts pages that are still being
/// read, the first and last byte are read as well, if that needs no waiting. A range of which a
/// page has gone since is sent late, not wrong.
[[nodiscard]] bool is_resident(sluice::Reactor& reactor, const sluice::File& file,
                               std::uint64_t offset, std::uint64_t length) noexcept;

/// Whether each page of a range is in the page cache or on its way there. nullopt: nobody can tell,
/// since cachestat(2) cannot be asked.
[[nodiscard]] std::optional<bool> is_begun(const sluice::File& file, std::uint64_t offset,
                                           std::uint64_t length) noexcept;

}  // namespace sluiced::serve
