#include <sluice/socket_requests.hpp>

namespace sluice {
namespace {

// The system's interface takes a pointer to what it only reads.
msghdr header_of(std::span<const iovec> pieces) noexcept {
  msghdr header{};
  header.msg_iov = const_cast<iovec*>(pieces.data());
  header.msg_iovlen = pieces.size();
  return header;
}

}  // namespace

SendRequest::SendRequest(Descriptor fd_in, std::span<const std::byte> buffer_in,
                         int flags_in) noexcept
    : OnDescriptor(fd_in), buffer(buffer_in), flags(flags_in | MSG_NOSIGNAL) {}

ReceiveVectoredRequest::ReceiveVectoredRequest(Descriptor fd_in,
                                               std::span<const iovec> pieces) noexcept
    : OnDescriptor(fd_in), header(header_of(pieces)) {}

SendVectoredRequest::SendVectoredRequest(Descriptor fd_in, std::span<const iovec> pieces,
                                         int flags_in) noexcept
    : OnDescriptor(fd_in), flags(flags_in | MSG_NOSIGNAL), header(header_of(pieces)) {}

Submission ReceiveFromRequest::prepare() noexcept {
  header = header_of({&piece, 1});
  header.msg_name = &name;
  header.msg_namelen = sizeof(name);
  return message(Opcode::recvmsg, &header, 1, 0);
}

Result<Datagram> ReceiveFromRequest::finish(Completion completion) noexcept {
  if (completion.result < 0) {
    return failure(-completion.result);
  }
  return Datagram{.length_bytes = static_cast<std::size_t>(completion.result),
                  .from = SocketAddress::from_kernel(name, header.msg_namelen),
                  .is_truncated = (header.msg_flags & MSG_TRUNC) != 0};
}

Submission SendToRequest::prepare() noexcept {
  header = header_of({&piece, 1});
  header.msg_name = const_cast<sockaddr*>(to.data());
  header.msg_namelen = to.size();
  return message(Opcode::sendmsg, &header, 1, MSG_NOSIGNAL);
}

}  // namespace sluice
