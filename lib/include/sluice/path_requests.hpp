#pragma once

#include <linux/openat2.h>

#include <sluice/request.hpp>

/// Operations on names in directories; request.hpp says how a request is used.
namespace sluice {

/// openat2(2). `path` must stay valid until the operation completes.
struct OpenRequest : DescriptorResult {
  int directory_fd;
  const char* path;
  open_how how;
  OpenRequest(int directory_fd_in, const char* path_in, open_how how_in) noexcept
      : directory_fd(directory_fd_in), path(path_in), how(how_in) {}
  Submission prepare() noexcept {
    return {.opcode = Opcode::openat2,
            .fd = directory_fd,
            .offset = address_of(&how),
            .address = address_of(path),
            .length = sizeof(how)};
  }
};

}  // namespace sluice
