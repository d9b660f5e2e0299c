#include <sluice/capabilities.hpp>

#include <sys/resource.h>
#include <sys/utsname.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace sluice {
namespace {

struct OpcodeFacts {
  Opcode opcode;
  const char* name;
  const char* since;  // the first Linux that has it, from the man page io_uring_enter(2)
};

constexpr std::array kOpcodes = {
    OpcodeFacts{Opcode::nop, "nop", "5.1"},
    OpcodeFacts{Opcode::readv, "readv", "5.1"},
    OpcodeFacts{Opcode::writev, "writev", "5.1"},
    OpcodeFacts{Opcode::fsync, "fsync", "5.1"},
    OpcodeFacts{Opcode::read_fixed, "read_fixed", "5.1"},
    OpcodeFacts{Opcode::write_fixed, "write_fixed", "5.1"},
    OpcodeFacts{Opcode::poll_add, "poll_add", "5.1"},
    OpcodeFacts{Opcode::poll_remove, "poll_remove", "5.1"},
    OpcodeFacts{Opcode::sendmsg, "sendmsg", "5.3"},
    OpcodeFacts{Opcode::recvmsg, "recvmsg", "5.3"},
    OpcodeFacts{Opcode::timeout, "timeout", "5.4"},
    OpcodeFacts{Opcode::accept, "accept", "5.5"},
    OpcodeFacts{Opcode::async_cancel, "async_cancel", "5.5"},
    OpcodeFacts{Opcode::connect, "connect", "5.5"},
    OpcodeFacts{Opcode::fallocate, "fallocate", "5.6"},
    OpcodeFacts{Opcode::close, "close", "5.6"},
    OpcodeFacts{Opcode::statx, "statx", "5.6"},
    OpcodeFacts{Opcode::read, "read", "5.6"},
    OpcodeFacts{Opcode::write, "write", "5.6"},
    OpcodeFacts{Opcode::fadvise, "fadvise", "5.6"},
    OpcodeFacts{Opcode::send, "send", "5.6"},
    OpcodeFacts{Opcode::receive, "receive", "5.6"},
    OpcodeFacts{Opcode::openat2, "openat2", "5.6"},
    OpcodeFacts{Opcode::splice, "splice", "5.7"},
    OpcodeFacts{Opcode::shutdown, "shutdown", "5.11"},
    OpcodeFacts{Opcode::renameat, "renameat", "5.11"},
    OpcodeFacts{Opcode::unlinkat, "unlinkat", "5.11"},
    OpcodeFacts{Opcode::mkdirat, "mkdirat", "5.15"},
    OpcodeFacts{Opcode::linkat, "linkat", "5.15"},
    OpcodeFacts{Opcode::socket, "socket", "5.19"},
    OpcodeFacts{Opcode::send_zero_copy, "send_zero_copy", "6.0"},
    OpcodeFacts{Opcode::sendmsg_zero_copy, "sendmsg_zero_copy", "6.1"},
    OpcodeFacts{Opcode::ftruncate, "ftruncate", "6.9"},
};

struct FeatureFacts {
  const char* name;
  const char* since;    // from the man pages io_uring_setup(2) and io_uring_enter(2)
  std::uint32_t bit;    // IORING_FEAT_*, or 0:
  Opcode same_release;  // there is no bit, and this operation came with it
};

// In the order of Feature.
constexpr std::array<FeatureFacts, kFeatureCount> kFeatures = {{
    {"keeping completions", "5.5", 1U << 1, Opcode::nop},
    {"stable submissions", "5.5", 1U << 2, Opcode::nop},
    {"fast poll", "5.7", 1U << 5, Opcode::nop},
    {"timed wait", "5.11", 1U << 8, Opcode::nop},
    {"native workers", "5.12", 1U << 9, Opcode::nop},
    {"resource tags", "5.13", 1U << 10, Opcode::nop},
    {"silent success", "5.17", 1U << 11, Opcode::nop},
    {"direct descriptors", "5.19", 0, Opcode::socket},
    {"multishot accept", "5.19", 0, Opcode::socket},
    {"provided buffer rings", "5.19", 0, Opcode::socket},
    {"multishot receive", "6.0", 0, Opcode::send_zero_copy},
    {"bundles", "6.10", 1U << 14, Opcode::nop},
    {"minimum wait", "6.12", 1U << 15, Opcode::nop},
    {"wait without I/O account", "6.15", 1U << 17, Opcode::nop},
}};

const FeatureFacts& facts_of(Feature feature) noexcept {
  return kFeatures[static_cast<std::size_t>(feature)];
}

const OpcodeFacts* facts_of(Opcode opcode) noexcept {
  for (const OpcodeFacts& facts : kOpcodes) {
    if (facts.opcode == opcode) {
      return &facts;
    }
  }
  return nullptr;
}

std::string kibibytes(std::uint64_t bytes) {
  return std::to_string((bytes + 1023) / 1024) + " KiB";
}

std::string memlock_limit(std::uint64_t bytes) {
  return bytes == RLIM_INFINITY ? "unlimited, but a container's or the system's memory may not be"
                                : kibibytes(bytes) + " for all its rings together";
}

std::string explain_permission(const SetupEnvironment& environment) {
  if (environment.io_uring_disabled == 2) {
    return "io_uring is switched off for everybody (sysctl kernel.io_uring_disabled=2): set it to "
           "0 with 'sysctl -w kernel.io_uring_disabled=0'";
  }
  if (environment.io_uring_disabled == 1) {
    return "io_uring is kept for a group (sysctl kernel.io_uring_disabled=1): add this user to the "
           "group in kernel.io_uring_group, or set kernel.io_uring_disabled=0";
  }
  if (environment.has_seccomp_filter) {
    return "a seccomp filter forbids io_uring, as the default profiles of Docker and containerd "
           "do: "
           "run the container with a profile that allows io_uring_setup, io_uring_enter and "
           "io_uring_register (--security-opt seccomp=PROFILE), or add @aio to the unit's "
           "SystemCallFilter";
  }
  return "the kernel refuses io_uring to this process: check sysctl kernel.io_uring_disabled, the "
         "seccomp profile of the container, and the rules of the security module in use";
}

}  // namespace

const char* name_of(Opcode opcode) noexcept {
  const OpcodeFacts* facts = facts_of(opcode);
  return facts != nullptr ? facts->name : "unknown";
}

std::string Capabilities::explain(Opcode opcode) const {
  if (supports(opcode)) {
    return {};
  }
  const OpcodeFacts* facts = facts_of(opcode);
  if (facts == nullptr) {
    return "operation " + std::to_string(static_cast<int>(opcode)) + " is not a ring operation";
  }
  return std::string("operation '") + facts->name + "' needs Linux " + facts->since +
         "; this is Linux " + kernel_release;
}

const char* name_of(Feature feature) noexcept { return facts_of(feature).name; }

bool Capabilities::supports(Feature feature) const noexcept {
  const FeatureFacts& facts = facts_of(feature);
  return facts.bit != 0 ? (features & facts.bit) != 0 : supports(facts.same_release);
}

std::string Capabilities::explain(Feature feature) const {
  if (supports(feature)) {
    return {};
  }
  return std::string("feature '") + name_of(feature) + "' needs Linux " + facts_of(feature).since +
         "; this is Linux " + kernel_release;
}

SetupEnvironment current_environment() {
  SetupEnvironment environment;
  utsname names{};
  if (::uname(&names) == 0) {
    environment.kernel_release = names.release;
  }
  // Under ProcSubset=pid the file is not there; nothing may depend on it but the wording.
  std::ifstream disabled("/proc/sys/kernel/io_uring_disabled");
  disabled >> environment.io_uring_disabled;
  if (!disabled) {
    environment.io_uring_disabled = -1;
  }
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Seccomp:")) {
      environment.has_seccomp_filter = line.find('2') != std::string::npos;
      break;
    }
  }
  rlimit memlock{};
  if (::getrlimit(RLIMIT_MEMLOCK, &memlock) == 0) {
    environment.memlock_limit_bytes = memlock.rlim_cur;
  }
  return environment;
}

SetupError explain_setup_failure(int errno_value, const SetupEnvironment& environment) {
  std::string sentence;
  switch (errno_value) {
    case ENOSYS:
      sentence = "this kernel (" + environment.kernel_release +
                 ") has no io_uring, or a seccomp profile hides it, as Podman's default does: use "
                 "Linux 6.1 or newer, or run the container with a profile that allows "
                 "io_uring_setup, io_uring_enter and io_uring_register";
      break;
    case EPERM:
    case EACCES:
      sentence = explain_permission(environment);
      break;
    case ENOMEM:
      sentence = "the kernel refuses the memory for a ring: it needs " +
                 kibibytes(environment.ring_bytes) + " of locked memory, this user's limit is " +
                 memlock_limit(environment.memlock_limit_bytes) +
                 ": raise it ('ulimit -l', LimitMEMLOCK= in the unit, "
                 "--ulimit memlock= for a container) or run fewer shards";
      break;
    case EINVAL:
      sentence =
          "this kernel (" + environment.kernel_release +
          ") does not know the ring options that are asked for (single issuer, deferred task "
          "work): use Linux 6.1 or newer";
      break;
    case EMFILE:
    case ENFILE:
      sentence =
          "no file descriptor is left for a ring: raise the limit ('ulimit -n', "
          "LimitNOFILE= in the unit)";
      break;
    default:
      sentence = std::string("io_uring_setup failed: ") + std::strerror(errno_value);
      break;
  }
  return {errno_value, "io_uring is not available: " + sentence};
}

SetupError explain_buffer_failure(int errno_value, const SetupEnvironment& environment) {
  std::string sentence;
  switch (errno_value) {
    case ENOMEM:
      sentence = "the kernel refuses to lock their memory: they need " +
                 kibibytes(environment.ring_bytes) + ", this user's limit is " +
                 memlock_limit(environment.memlock_limit_bytes) +
                 ": raise it ('ulimit -l', LimitMEMLOCK= in the unit, --ulimit memlock= for a "
                 "container), or ask for fewer or smaller ones";
      break;
    case EBUSY:
      sentence = "this ring has registered buffers already: a ring has one set of them";
      break;
    case EINVAL:
      sentence =
          "a set is of 1 to 16384 buffers, of 1 byte to 1 GiB each: ask for a number and a size "
          "within that";
      break;
    default:
      sentence = std::string("io_uring_register failed: ") + std::strerror(errno_value);
      break;
  }
  return {errno_value, "buffers cannot be registered: " + sentence};
}

}  // namespace sluice
