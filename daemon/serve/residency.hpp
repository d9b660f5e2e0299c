#pragma once

#include <cstdint>

#include <sluice/file.hpp>
#include <sluice/reactor.hpp>

namespace sluiced::serve {

/// Whether all of a range seems to be in the page cache, so that sendfile(2) would not sleep on a
/// disk. Its first and last byte are read, if that needs no waiting; of a long range, what lies
/// between is asked of cachestat(2), where there is that call (Linux 6.5) and this process may use
/// it (it must be able to write the file, or own it). A range of which a page has gone since is
/// sent late, not wrong.
[[nodiscard]] bool is_resident(sluice::Reactor& reactor, const sluice::File& file,
                               std::uint64_t offset, std::uint64_t length) noexcept;

}  // namespace sluiced::serve
