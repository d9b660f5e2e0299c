#include <sluice/operation.hpp>

namespace sluice {

OperationKind kind_of(Opcode opcode) noexcept {
  switch (opcode) {
    case Opcode::accept:
      return OperationKind::accept;
    case Opcode::receive:
    case Opcode::recvmsg:
      return OperationKind::receive;
    case Opcode::send:
    case Opcode::sendmsg:
    case Opcode::send_zero_copy:
    case Opcode::sendmsg_zero_copy:
    case Opcode::send_file:
      return OperationKind::send;
    case Opcode::read:
    case Opcode::readv:
    case Opcode::read_fixed:
      return OperationKind::read;
    case Opcode::write:
    case Opcode::writev:
    case Opcode::write_fixed:
      return OperationKind::write;
    case Opcode::openat2:
      return OperationKind::open;
    case Opcode::close:
      return OperationKind::close;
    case Opcode::statx:
      return OperationKind::stat;
    case Opcode::fsync:
      return OperationKind::sync;
    case Opcode::poll_add:
    case Opcode::poll_remove:
      return OperationKind::poll;
    case Opcode::connect:
      return OperationKind::connect;
    default:
      return OperationKind::other;
  }
}

const char* name_of(OperationKind kind) noexcept {
  switch (kind) {
    case OperationKind::accept:
      return "accept";
    case OperationKind::receive:
      return "receive";
    case OperationKind::send:
      return "send";
    case OperationKind::read:
      return "read";
    case OperationKind::write:
      return "write";
    case OperationKind::open:
      return "open";
    case OperationKind::close:
      return "close";
    case OperationKind::stat:
      return "stat";
    case OperationKind::sync:
      return "sync";
    case OperationKind::poll:
      return "poll";
    case OperationKind::connect:
      return "connect";
    case OperationKind::wake:
      return "wake";
    case OperationKind::other:
      return "other";
  }
  return "other";
}

}  // namespace sluice
