#include "files/directory_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

namespace sluiced::files {

sluice::Result<DirectoryReader> DirectoryReader::open(const Root& root, std::string path,
                                                      const sluice::File& directory,
                                                      bool with_hidden) {
  auto found = sluice::DirectoryEntries::open(directory.fd());
  if (!found) {
    return std::unexpected(found.error());
  }
  return DirectoryReader(root, std::move(path), std::move(*found), with_hidden);
}

// Whether the name can be shown, and what it is. A file that vanished meanwhile is not shown, nor
// is a link that leads out of the root: not even the size of what it leads to may be told.
bool DirectoryReader::describe(const char* name, DirectoryEntry& entry) const {
  struct stat found{};
  if (::fstatat(found_.fd(), name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
    return false;
  }
  entry.name = name;
  if (S_ISLNK(found.st_mode)) {
    const auto target = root_->status_of((path_ + "/" + name).c_str());
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

sluice::Result<bool> DirectoryReader::read(std::size_t most, std::vector<DirectoryEntry>& entries) {
  for (std::size_t looked_at = 0; looked_at < most; ++looked_at) {
    while (next_ == found_.end()) {
      const auto more = found_.read_blocking();
      next_ = found_.begin();
      if (!more || !*more) {
        return more;
      }
    }
    const sluice::DirectoryEntry& candidate = *next_;
    if (candidate.name.front() != '.' || with_hidden_) {
      DirectoryEntry entry;
      if (describe(candidate.name.data(), entry)) {
        entries.push_back(std::move(entry));
      }
    }
    ++next_;
  }
  return true;
}

}  // namespace sluiced::files
