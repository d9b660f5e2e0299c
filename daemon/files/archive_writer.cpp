#include "files/archive_writer.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <clocale>

#include "http/utf8.hpp"

namespace sluiced::files {
namespace {

constexpr unsigned kFileMode = 0644;
constexpr unsigned kDirectoryMode = 0755;

struct FreeEntry {
  void operator()(::archive_entry* entry) const noexcept { ::archive_entry_free(entry); }
};

/// Puts a locale on this thread while it lives; none changes nothing.
class ThreadLocale {
 public:
  explicit ThreadLocale(::locale_t locale) noexcept
      : previous_(locale != nullptr ? ::uselocale(locale) : nullptr) {}
  ThreadLocale(const ThreadLocale&) = delete;
  ThreadLocale& operator=(const ThreadLocale&) = delete;
  ~ThreadLocale() {
    if (previous_ != nullptr) {
      ::uselocale(previous_);
    }
  }

 private:
  ::locale_t previous_;
};

// ARCHIVE_WARN is a name that could not be converted and is written as it is.
sluice::Result<void> checked(::archive* writer, la_ssize_t result) {
  if (result >= ARCHIVE_WARN) {
    return {};
  }
  const int error = ::archive_errno(writer);
  return sluice::failure(error > 0 ? error : EIO);
}

}  // namespace

std::unique_ptr<ArchiveWriter> ArchiveWriter::create(ArchiveFormat format) {
  ::archive* writer = ::archive_write_new();
  if (writer == nullptr) {
    return nullptr;
  }
  std::unique_ptr<ArchiveWriter> made(new ArchiveWriter(writer));
  if (format == ArchiveFormat::tar) {
    ::archive_write_set_format_gnutar(writer);
  } else {
    ::archive_write_set_format_zip(writer);
    ::archive_write_zip_set_compression_store(writer);
    made->utf8_ = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  }
  ::archive_write_set_bytes_per_block(writer, 0);
  const auto append = [](::archive* failed, void* self, const void* bytes,
                         std::size_t length) -> la_ssize_t {
    std::string* out = static_cast<ArchiveWriter*>(self)->out_;
    if (out == nullptr) {
      ::archive_set_error(failed, ECANCELED, "nobody wants the rest");
      return -1;
    }
    out->append(static_cast<const char*>(bytes), length);
    return static_cast<la_ssize_t>(length);
  };
  return ::archive_write_open(writer, made.get(), nullptr, append, nullptr) == ARCHIVE_OK
             ? std::move(made)
             : nullptr;
}

ArchiveWriter::~ArchiveWriter() {
  // Freeing writes the rest of the archive, zeros for the rest of a file among it, until a write
  // fails. archive_write_fail(3) would end it too, but then libarchive forgets a buffer.
  out_ = nullptr;
  ::archive_write_free(writer_);
  if (utf8_ != nullptr) {
    ::freelocale(utf8_);
  }
}

sluice::Result<void> ArchiveWriter::begin_entry(const std::string& name,
                                                const sluice::FileStatus& status) {
  const std::unique_ptr<::archive_entry, FreeEntry> entry(::archive_entry_new());
  if (entry == nullptr) {
    return sluice::failure(ENOMEM);
  }
  const bool is_directory = status.type == sluice::FileStatus::Type::directory;
  ::archive_entry_set_pathname(entry.get(), name.c_str());
  ::archive_entry_set_filetype(entry.get(), is_directory ? AE_IFDIR : AE_IFREG);
  ::archive_entry_set_perm(entry.get(), is_directory ? kDirectoryMode : kFileMode);
  ::archive_entry_set_mtime(entry.get(), status.modified_s, 0);
  ::archive_entry_set_size(entry.get(),
                           is_directory ? 0 : static_cast<la_int64_t>(status.size_bytes));
  const ThreadLocale locale(http::is_valid_utf8(name) ? utf8_ : nullptr);
  return checked(writer_, ::archive_write_header(writer_, entry.get()));
}

sluice::Result<void> ArchiveWriter::write(std::span<const std::byte> content) {
  const la_ssize_t written = ::archive_write_data(writer_, content.data(), content.size());
  if (written >= 0 && static_cast<std::size_t>(written) != content.size()) {
    return sluice::failure(EIO);
  }
  return checked(writer_, written);
}

sluice::Result<void> ArchiveWriter::end_entry() {
  return checked(writer_, ::archive_write_finish_entry(writer_));
}

sluice::Result<void> ArchiveWriter::finish() {
  return checked(writer_, ::archive_write_close(writer_));
}

}  // namespace sluiced::files
