#include "files/directory_archive.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "files/archive_writer.hpp"
#include "files/directory_reader.hpp"

namespace sluiced::files {
namespace {

constexpr std::size_t kMostLevels = 100;
constexpr std::size_t kNamesAtATime = 256;
constexpr std::size_t kReadBytes = std::size_t{64} * 1024;

// What is left out as if it were not there: a request for it would not be answered with it either.
bool is_passed_over(const std::error_code& error) noexcept {
  switch (error.value()) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case EXDEV:
    case ELOOP:
    case EACCES:
    case EPERM:
    case ENXIO:
    case ENODEV:
      return true;
    default:
      return false;
  }
}

}  // namespace

/// A directory that is being walked through.
struct DirectoryArchive::Level {
  DirectoryReader reader;
  std::string name;  // within the archive, with a slash behind it
  sluice::FileStatus status;
  std::vector<DirectoryEntry> entries;
  std::size_t next = 0;
  bool has_more = true;
};

struct DirectoryArchive::Walk {
  Walk(std::shared_ptr<const Root> from, ArchiveOptions how, std::unique_ptr<ArchiveWriter> to)
      : root(std::move(from)), options(std::move(how)), writer(std::move(to)) {}

  sluice::Result<void> enter(const std::string& path, std::string name, const OpenFile& directory);
  sluice::Result<void> take_next();
  sluice::Result<void> add(const std::string& path, std::string name);
  sluice::Result<void> copy_piece();
  sluice::Result<bool> step();

  std::shared_ptr<const Root> root;
  ArchiveOptions options;
  std::unique_ptr<ArchiveWriter> writer;
  std::vector<Level> levels;
  std::size_t entries = 0;
  std::string start;  // what was written before the first piece was asked for
  bool is_finished = false;
  std::optional<OpenFile> file;  // whose content is being copied
  std::uint64_t offset = 0;
  std::vector<std::byte> buffer = std::vector<std::byte>(kReadBytes);
};

sluice::Result<void> DirectoryArchive::Walk::enter(const std::string& path, std::string name,
                                                   const OpenFile& directory) {
  const auto is_the_same = [&directory](const Level& level) {
    return level.status.inode == directory.status.inode &&
           level.status.device == directory.status.device;
  };
  if (std::ranges::any_of(levels, is_the_same)) {
    return {};  // a link to a directory that it lies in
  }
  if (levels.size() == kMostLevels) {
    return sluice::failure(ELOOP);
  }
  auto reader = DirectoryReader::open(*root, path, directory.file, options.with_hidden);
  if (!reader) {
    return std::unexpected(reader.error());
  }
  if (const auto begun = writer->begin_entry(name, directory.status); !begun) {
    return begun;
  }
  levels.push_back({std::move(*reader), std::move(name), directory.status, {}, 0, true});
  return writer->end_entry();
}

// Goes on to the next name of the directory that is being walked through, or leaves it.
sluice::Result<void> DirectoryArchive::Walk::take_next() {
  Level& level = levels.back();
  if (level.next == level.entries.size()) {
    if (!level.has_more) {
      levels.pop_back();
      return {};
    }
    level.entries.clear();
    level.next = 0;
    const auto more = level.reader.read(kNamesAtATime, level.entries);
    if (!more) {
      return std::unexpected(more.error());
    }
    level.has_more = *more;
    return {};
  }
  const DirectoryEntry& entry = level.entries[level.next++];
  return add(level.reader.path() + "/" + entry.name, level.name + entry.name);
}

sluice::Result<void> DirectoryArchive::Walk::add(const std::string& path, std::string name) {
  auto opened = root->open_blocking(path.c_str());
  if (!opened) {
    return is_passed_over(opened.error()) ? sluice::Result<void>()
                                          : std::unexpected(opened.error());
  }
  if (opened->status.type == sluice::FileStatus::Type::other) {
    return {};
  }
  if (++entries > options.most_entries) {
    return sluice::failure(EFBIG);
  }
  if (opened->status.type == sluice::FileStatus::Type::directory) {
    return enter(path, std::move(name) + "/", *opened);
  }
  if (const auto begun = writer->begin_entry(name, opened->status); !begun) {
    return begun;
  }
  file = std::move(*opened);
  offset = 0;
  return {};
}

sluice::Result<void> DirectoryArchive::Walk::copy_piece() {
  const std::uint64_t left = file->status.size_bytes - offset;
  if (left == 0) {
    file.reset();
    return writer->end_entry();
  }
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
  const ssize_t got = ::pread(file->file.fd(), buffer.data(), wanted, static_cast<off_t>(offset));
  if (got <= 0) {
    return sluice::failure(got == 0 ? ENODATA : errno);
  }
  offset += static_cast<std::uint64_t>(got);
  return writer->write(std::span(buffer).first(static_cast<std::size_t>(got)));
}

sluice::Result<bool> DirectoryArchive::Walk::step() {
  sluice::Result<void> done;
  if (file) {
    done = copy_piece();
  } else if (!levels.empty()) {
    done = take_next();
  } else if (!is_finished) {
    is_finished = true;
    done = writer->finish();
  }
  if (!done) {
    return std::unexpected(done.error());
  }
  return !is_finished;
}

DirectoryArchive::DirectoryArchive(std::unique_ptr<Walk> walk) noexcept : walk_(std::move(walk)) {}
DirectoryArchive::~DirectoryArchive() = default;

sluice::Result<std::unique_ptr<DirectoryArchive>> DirectoryArchive::open(
    std::shared_ptr<const Root> root, const std::string& path, const OpenFile& directory,
    ArchiveOptions options) {
  auto writer = ArchiveWriter::create(options.format);
  if (writer == nullptr) {
    return sluice::failure(ENOMEM);
  }
  const std::string name = options.name + "/";
  auto walk = std::make_unique<Walk>(std::move(root), std::move(options), std::move(writer));
  // The first header is part of the first piece.
  walk->writer->set_output(walk->start);
  if (const auto entered = walk->enter(path, name, directory); !entered) {
    return std::unexpected(entered.error());
  }
  return std::unique_ptr<DirectoryArchive>(new DirectoryArchive(std::move(walk)));
}

sluice::Result<bool> DirectoryArchive::read(std::size_t bytes, std::string& out) {
  const std::size_t end = out.size() + bytes;
  out.append(std::exchange(walk_->start, {}));
  walk_->writer->set_output(out);
  while (out.size() < end) {
    const auto more = walk_->step();
    if (!more || !*more) {
      return more;
    }
  }
  return true;
}

}  // namespace sluiced::files
