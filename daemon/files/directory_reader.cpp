#include "files/directory_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include <sluice/directory_entries.hpp>

namespace sluiced::files {
namespace {

// Whether the name can be shown, and what it is. A file that vanished meanwhile is not shown, nor
// is a link that leads out of the root: not even the size of what it leads to may be told.
bool describe(const Root& root, const std::string& path, int directory_fd, const char* name,
              DirectoryEntry& entry) {
  struct stat found{};
  if (::fstatat(directory_fd, name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
    return false;
  }
  entry.name = name;
  if (S_ISLNK(found.st_mode)) {
    const auto target = root.status_of((path + "/" + name).c_str());
    if (!target || target->type == sluice::FileStatus::Type::other) {
      return false;
    }
    entry.is_directory = target->type == sluice::FileStatus::Type::directory;
    entry.size_bytes = target->size_bytes;
    entry.modified_s = target->modified_s;
    return true;
  }
  entry.is_directory = S_ISDIR(found.st_mode);
  entry.size_bytes = static_cast<std::uint64_t>(found.st_size);
  entry.modified_s = found.st_mtim.tv_sec;
  return S_ISREG(found.st_mode) || S_ISDIR(found.st_mode);
}

void sort_for_listing(DirectoryContents& contents) {
  std::sort(contents.entries.begin(), contents.entries.end(),
            [](const DirectoryEntry& one, const DirectoryEntry& other) {
              return one.is_directory != other.is_directory ? one.is_directory
                                                            : one.name < other.name;
            });
}

}  // namespace

sluice::Result<DirectoryContents> read_directory(const Root& root, const std::string& path,
                                                 const sluice::File& directory, bool with_hidden,
                                                 std::size_t most_entries) {
  auto found = sluice::DirectoryEntries::open(directory.fd());
  if (!found) {
    return std::unexpected(found.error());
  }
  DirectoryContents contents;
  while (true) {
    const auto more = found->read_blocking();
    if (!more) {
      return std::unexpected(more.error());
    }
    if (!*more) {
      break;
    }
    for (const sluice::DirectoryEntry& candidate : *found) {
      if (candidate.name.front() == '.' && !with_hidden) {
        continue;
      }
      if (contents.entries.size() == most_entries) {
        contents.is_complete = false;
        sort_for_listing(contents);
        return contents;
      }
      DirectoryEntry entry;
      if (describe(root, path, found->fd(), candidate.name.data(), entry)) {
        contents.entries.push_back(std::move(entry));
      }
    }
  }
  sort_for_listing(contents);
  return contents;
}

}  // namespace sluiced::files
