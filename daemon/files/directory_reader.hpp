#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sluice/file.hpp>
#include <sluice/result.hpp>

#include "files/root.hpp"

namespace sluiced::files {

/// One name in a directory, with what a listing shows of it.
struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
  std::uint64_t size_bytes = 0;
  std::int64_t modified_s = 0;
};

struct DirectoryContents {
  std::vector<DirectoryEntry> entries;  // directories first, then by name, byte by byte
  bool is_complete = true;              // false: there are more entries than were asked for
};

/// Reads the open directory `directory`, which is `path` beneath `root`: regular files and
/// directories, symbolic links as what they lead to if the root would serve that, and nothing else.
/// Names that begin with a dot are left out unless `with_hidden`. At most `most_entries`.
///
/// Blocks on the disk: for a thread of the blocking pool.
[[nodiscard]] sluice::Result<DirectoryContents> read_directory(const Root& root,
                                                               const std::string& path,
                                                               const sluice::File& directory,
                                                               bool with_hidden,
                                                               std::size_t most_entries);

}  // namespace sluiced::files
