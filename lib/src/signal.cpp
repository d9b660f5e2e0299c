#include <sluice/signal.hpp>

#include <sys/signalfd.h>

#include <cerrno>

namespace sluice {

Result<SignalSet> SignalSet::block(std::initializer_list<int> signals) noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) {
    ::sigaddset(&set, signal);
  }
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
    return failure(error);
  }
  UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!fd) {
    return failure(errno);
  }
  return SignalSet(std::move(fd));
}

Task<Result<int>> SignalSet::next() const {
  signalfd_siginfo info{};
  const auto bytes = std::as_writable_bytes(std::span(&info, 1));
  while (true) {
    const auto count = co_await Operation(ReadRequest(fd_.get(), bytes, 0));
    if (!count && count.error().value() == EINTR) {
      continue;  // the process was stopped and goes on (signal(7)): no signal of the set has come
    }
    if (!count) {
      co_return std::unexpected(count.error());
    }
    if (*count != sizeof(info)) {
      co_return failure(EIO);
    }
    co_return static_cast<int>(info.ssi_signo);
  }
}

}  // namespace sluice
