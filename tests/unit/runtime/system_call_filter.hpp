// A filter of system calls (seccomp(2)), as containers and service managers put one on.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "support.hpp"

namespace sluice::runtime_test {

/// From here on the system call fails in this process, or only where its fourth argument has one of
/// `fourth_argument_bits`, if there are any. For a child: there is no way back.
inline void forbid_system_call(std::uint32_t number, std::uint32_t error,
                               std::uint32_t fourth_argument_bits = 0) {
  const std::uint8_t allow = fourth_argument_bits == 0 ? 0 : 1;  // as far as it has to jump
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[3])),  // its lower half
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, fourth_argument_bits, 0, allow),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  CHILD_CHECK(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHILD_CHECK(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

}  // namespace sluice::runtime_test
