#include "serve/file_status.hpp"

#include <cerrno>

namespace sluiced::serve {

using http::Status;

Status status_of(const std::error_code& error) noexcept {
  switch (error.value()) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case EXDEV:  // the path leads out of the root: there is no such thing
    case ELOOP:
      return Status::not_found;
    case EACCES:
    case EPERM:
    case ENXIO:  // a socket, or a FIFO that nobody writes to
    case ENODEV:
      return Status::forbidden;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EAGAIN:
    case ECANCELED:
      return Status::service_unavailable;
    default:
      return Status::internal_server_error;
  }
}

}  // namespace sluiced::serve
