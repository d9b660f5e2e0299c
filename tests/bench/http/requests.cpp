#include "requests.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "meter.h"

Requests::Requests(const Options& options)
    : paths_(options.paths),
      connections_(options.connections),
      depth_(options.depth),
      once_(options.once),
      close_(options.close),
      length_(options.length),
      range_length_(options.range_length),
      fixed_(paths_.size() == 1 && range_length_ == 0) {
  if (!options.evict.empty()) {
    for (const std::string& path : paths_) {
      const std::string name = options.evict + path;
      const int file = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
      if (file < 0) {
        give_up(name.c_str(), errno);
      }
      files_.push_back(file);
    }
  }
  if (fixed_) {
    for (unsigned count = 0; count < depth_; ++count) {
      append(paths_.front());
    }
  }
}

Requests::~Requests() {
  for (const int file : files_) {
    ::close(file);
  }
}

std::string_view Requests::next(std::size_t connection) {
  if (!files_.empty()) {
    const std::size_t own = (files_.size() - connection - 1) / connections_ + 1;
    const std::size_t file = connection + connections_ * random_block(&random_, own);
    evict(file);
    text_.clear();
    append(paths_[file]);
    return text_;
  }
  if (!fixed_) {
    text_.clear();
    for (unsigned count = 0; count < depth_; ++count) {
      if (next_ == paths_.size()) {
        next_ = 0;
      }
      append(paths_[next_++]);
    }
  } else if (once_) {
    ++next_;
  }
  return text_;
}

void Requests::append(std::string_view path) {
  text_.append("GET ").append(path).append(" HTTP/1.1\r\nHost: bench\r\n");
  if (range_length_ != 0) {
    const std::uint64_t first = random_block(&random_, length_ - range_length_ + 1);
    text_.append("Range: bytes=").append(std::to_string(first)).append("-");
    text_.append(std::to_string(first + range_length_ - 1)).append("\r\n");
  }
  text_.append(close_ ? "Connection: close\r\n\r\n" : "\r\n");
}

void Requests::evict(std::size_t file) {
  const int error = ::posix_fadvise(files_[file], 0, 0, POSIX_FADV_DONTNEED);
  if (error != 0) {
    give_up("posix_fadvise", error);
  }
}
