#pragma once

#include <locale.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include <sluice/file.hpp>
#include <sluice/result.hpp>

#include "files/directory_archive.hpp"

struct archive;

namespace sluiced::files {

/// The bytes of an archive, by libarchive. Entries are begun, written and ended one by one.
class ArchiveWriter {
 public:
  /// Null when there is no memory for it.
  [[nodiscard]] static std::unique_ptr<ArchiveWriter> create(ArchiveFormat format);
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;
  ~ArchiveWriter();

  /// Where what is written from now on goes.
  void set_output(std::string& out) noexcept { out_ = &out; }

  /// Begins an entry. `name` is any bytes; that of a directory ends in a slash.
  [[nodiscard]] sluice::Result<void> begin_entry(const std::string& name,
                                                 const sluice::FileStatus& status);
  [[nodiscard]] sluice::Result<void> write(std::span<const std::byte> content);
  [[nodiscard]] sluice::Result<void> end_entry();
  /// Ends the archive.
  [[nodiscard]] sluice::Result<void> finish();

 private:
  explicit ArchiveWriter(::archive* writer) noexcept : writer_(writer) {}

  ::archive* writer_;
  std::string* out_ = nullptr;
  // libarchive marks the names of a zip as UTF-8 by the locale of the thread, which in a daemon is
  // "C": this one is put on for names that are UTF-8. Null for tar, whose names are bytes.
  ::locale_t utf8_ = nullptr;
};

}  // namespace sluiced::files
