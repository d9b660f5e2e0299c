#include <sluice/operation.hpp>

namespace sluice {

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
