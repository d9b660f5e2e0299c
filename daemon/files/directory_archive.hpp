#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <sluice/result.hpp>

#include "files/root.hpp"

namespace sluiced::files {

enum class ArchiveFormat : std::uint8_t {
  tar,  // GNU tar: names of any bytes, files of any size
  zip,  // stored, not compressed; zip64 where it is needed
};

struct ArchiveOptions {
  ArchiveFormat format = ArchiveFormat::tar;
  std::string name;  // the directory within the archive that everything lies in
  bool with_hidden = false;
  std::size_t most_entries = 0;
};

/// Makes an archive of what lies beneath a directory, piece by piece, and holds no more of it than
/// a piece: whatever can be had from the root singly under the same rules, and nothing else.
/// Symbolic links are archived as what they lead to; one that leads to a directory it lies in is
/// left out, as is what vanishes meanwhile or may not be read. Owners and permissions are not told.
///
/// A file that gets shorter while it is read, more entries than are allowed, and directories nested
/// more than a hundred deep end the archive with an error: one that is not whole must not look so.
///
/// Blocks on the disk: for a thread of the blocking pool, though not always the same one.
class DirectoryArchive {
 public:
  /// `directory` is what `path` names beneath `root`.
  [[nodiscard]] static sluice::Result<std::unique_ptr<DirectoryArchive>> open(
      std::shared_ptr<const Root> root, const std::string& path, const OpenFile& directory,
      ArchiveOptions options);
  DirectoryArchive(const DirectoryArchive&) = delete;
  DirectoryArchive& operator=(const DirectoryArchive&) = delete;
  ~DirectoryArchive();

  /// Appends about `bytes` more of the archive. False when it is complete.
  [[nodiscard]] sluice::Result<bool> read(std::size_t bytes, std::string& out);

 private:
  struct Level;
  struct Walk;
  explicit DirectoryArchive(std::unique_ptr<Walk> walk) noexcept;

  std::unique_ptr<Walk> walk_;
};

}  // namespace sluiced::files
