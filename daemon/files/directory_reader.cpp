#include "files/directory_reader.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

namespace sluiced::files {
namespace {

struct CloseDirectory {
  void operator()(DIR* stream) const noexcept { ::closedir(stream); }
};

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

}  // namespace

sluice::Result<DirectoryContents> read_directory(const Root& root, const std::string& path,
                                                 const sluice::File& directory, bool with_hidden,
                                                 std::size_t most_entries) {
  // A descriptor of its own: closedir(3) closes what fdopendir(3) was given.
  sluice::UniqueFd own(::openat(directory.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own) {
    return sluice::failure(errno);
  }
  const std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(own.get()));
  if (stream == nullptr) {
    return sluice::failure(errno);
  }
  const int fd = own.release();

  DirectoryContents contents;
  errno = 0;
  while (const dirent* found = ::readdir(stream.get())) {
    const std::string_view name = found->d_name;
    if (name == "." || name == ".." || (name.front() == '.' && !with_hidden)) {
      continue;
    }
    if (contents.entries.size() == most_entries) {
      contents.is_complete = false;
      break;
    }
    DirectoryEntry entry;
    if (describe(root, path, fd, found->d_name, entry)) {
      contents.entries.push_back(std::move(entry));
    }
    errno = 0;
  }
  if (errno != 0) {
    return sluice::failure(errno);
  }
  std::sort(contents.entries.begin(), contents.entries.end(),
            [](const DirectoryEntry& one, const DirectoryEntry& other) {
              return one.is_directory != other.is_directory ? one.is_directory
                                                            : one.name < other.name;
            });
  return contents;
}

}  // namespace sluiced::files
