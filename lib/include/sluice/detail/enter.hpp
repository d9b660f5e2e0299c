#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <sluice/clock.hpp>

namespace sluice::detail {

/// The kernel's __kernel_timespec and io_uring_getevents_arg.
struct KernelTimespec {
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
};
struct EnterArgument {
  std::uint64_t signals = 0;  // no mask of signals
  std::uint32_t signals_bytes = 0;
  std::uint32_t reserved = 0;
  std::uint64_t timeout = 0;  // the address of a KernelTimespec
};

/// IORING_ENTER_GETEVENTS: runs what the kernel has yet to do for completions to be posted, and
/// waits for as many as the call names.
inline constexpr unsigned kEnterGetEvents = 1U << 0;
/// IORING_ENTER_EXT_ARG: the argument is an EnterArgument.
inline constexpr unsigned kEnterWithArgument = 1U << 3;

/// io_uring_enter(2): how many entries the kernel has taken, or a negative errno.
///
/// In line, as everything on the way from here to the executor's loop is: the processor predicts
/// returns from the calls it has seen, and finds the kernel's in their place after a system call. A
/// return on that way costs tens of nanoseconds, much of what a turn with one operation takes.
[[nodiscard, gnu::always_inline]] inline int system_enter(unsigned descriptor, unsigned to_submit,
                                                          unsigned wait_for, unsigned flags,
                                                          const void* argument,
                                                          std::size_t argument_bytes) noexcept {
#if defined(__x86_64__)
  long result = __NR_io_uring_enter;
  register auto fourth asm("r10") = static_cast<long>(flags);
  register auto fifth asm("r8") = argument;
  register auto sixth asm("r9") = argument_bytes;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(static_cast<long>(descriptor)), "S"(static_cast<long>(to_submit)),
                 "d"(static_cast<long>(wait_for)), "r"(fourth), "r"(fifth), "r"(sixth)
               : "rcx", "r11", "memory");
  return static_cast<int>(result);
#else
  const long result = ::syscall(__NR_io_uring_enter, descriptor, to_submit, wait_for, flags,
                                argument, argument_bytes);
  return result < 0 ? -errno : static_cast<int>(result);
#endif
}

/// Hands entries over, and no more: how many the kernel has taken, or a negative errno.
[[nodiscard, gnu::always_inline]] inline int submit_to_ring(unsigned descriptor, unsigned flags,
                                                            unsigned to_submit) noexcept {
  return system_enter(descriptor, to_submit, 0, flags, nullptr, 0);
}

/// Lets due completions be posted, and waits for one for as long as `at_most` says (Ring::enter()).
/// 0, or a negative errno.
[[nodiscard, gnu::always_inline]] inline int wait_for_ring(unsigned descriptor, unsigned flags,
                                                           Duration at_most) noexcept {
  flags |= kEnterGetEvents;
  if (at_most == kForever || at_most <= Duration::zero()) {
    return system_enter(descriptor, 0, at_most == kForever ? 1 : 0, flags, nullptr, 0);
  }
  const KernelTimespec timeout{.seconds = at_most.count() / 1'000'000'000,
                               .nanoseconds = at_most.count() % 1'000'000'000};
  const EnterArgument argument{.timeout = reinterpret_cast<std::uint64_t>(&timeout)};
  return system_enter(descriptor, 0, 1, flags | kEnterWithArgument, &argument, sizeof(argument));
}

}  // namespace sluice::detail
