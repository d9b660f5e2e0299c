#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sluice/directory_entries.hpp>
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

/// Reads an open directory piece by piece, so that one of any size neither fills the memory nor
/// holds up whoever waits for the same thread: regular files and directories, symbolic links as
/// what they lead to if the root would serve that, and nothing else. Names that begin with a dot
/// are left out unless they are wanted.
///
/// Blocks on the disk: for a thread of the blocking pool, though not always the same one.
class DirectoryReader {
 public:
  /// `directory` is what `path` names beneath `root`, which must outlive the reader.
  [[nodiscard]] static sluice::Result<DirectoryReader> open(const Root& root, std::string path,
                                                            const sluice::File& directory,
                                                            bool with_hidden);

  /// Looks at up to `most` names and appends the entries among them, in no order. False when there
  /// are no more.
  [[nodiscard]] sluice::Result<bool> read(std::size_t most, std::vector<DirectoryEntry>& entries);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  DirectoryReader(const Root& root, std::string path, sluice::DirectoryEntries found,
                  bool with_hidden)
      : root_(&root),
        path_(std::move(path)),
        found_(std::move(found)),
        next_(found_.end()),
        with_hidden_(with_hidden) {}
  [[nodiscard]] bool describe(const char* name, DirectoryEntry& entry) const;

  const Root* root_;
  std::string path_;
  sluice::DirectoryEntries found_;
  sluice::DirectoryEntries::Iterator next_;  // in the batch that found_ holds
  bool with_hidden_;
};

}  // namespace sluiced::files
