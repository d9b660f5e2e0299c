#include "files/sha256.hpp"

#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace sluiced::files {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} * 1024;

}  // namespace

struct Sha256OfFile::Context {
  struct Free {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> hash{EVP_MD_CTX_new()};
  bool works = hash && EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr) == 1;
  std::array<unsigned char, kBufferBytes> buffer;
};

void Sha256OfFile::prepare() noexcept { EVP_MD_free(EVP_MD_fetch(nullptr, "SHA256", nullptr)); }

Sha256OfFile::Sha256OfFile(SharedFile file)
    : file_(std::move(file)), context_(std::make_unique<Context>()) {}

Sha256OfFile::~Sha256OfFile() = default;

sluice::Result<bool> Sha256OfFile::take_in(std::size_t most_bytes) {
  if (!context_->works) {
    return sluice::failure(ENOMEM);
  }
  const std::uint64_t end =
      offset_ + std::min<std::uint64_t>(most_bytes, file_->status.size_bytes - offset_);
  while (offset_ < end) {
    const auto wanted = std::min<std::uint64_t>(kBufferBytes, end - offset_);
    const ssize_t count =
        ::pread(file_->file.fd(), context_->buffer.data(), wanted, static_cast<off_t>(offset_));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return sluice::failure(count < 0 ? errno : EIO);
    }
    if (EVP_DigestUpdate(context_->hash.get(), context_->buffer.data(),
                         static_cast<std::size_t>(count)) != 1) {
      return sluice::failure(ENOMEM);
    }
    offset_ += static_cast<std::uint64_t>(count);
  }
  return offset_ == file_->status.size_bytes;
}

sluice::Result<http::Sha256Digest> Sha256OfFile::finish() {
  const auto now = file_->file.status();
  const sluice::FileStatus& before = file_->status;
  if (!now || now->size_bytes != before.size_bytes || now->modified_s != before.modified_s ||
      now->modified_ns != before.modified_ns) {
    return sluice::failure(ESTALE);
  }
  http::Sha256Digest digest;
  if (EVP_DigestFinal_ex(context_->hash.get(), digest.data(), nullptr) != 1) {
    return sluice::failure(ENOMEM);
  }
  return digest;
}

}  // namespace sluiced::files
