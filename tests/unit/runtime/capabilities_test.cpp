#include <sluice/capabilities.hpp>

#include <sys/resource.h>
#include <sys/utsname.h>

#include <cerrno>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

SetupEnvironment environment(int io_uring_disabled, bool has_seccomp_filter) {
  return {.kernel_release = "5.4.0-42",
          .io_uring_disabled = io_uring_disabled,
          .has_seccomp_filter = has_seccomp_filter,
          .memlock_limit_bytes = 65536,
          .ring_bytes = 200'000};
}
std::string explain(int error, const SetupEnvironment& facts) {
  const SetupError explained = explain_setup_failure(error, facts);
  EXPECT_EQ(explained.errno_value, error);
  EXPECT_EQ(explained.explanation.find('\n'), std::string::npos) << "one sentence, one line";
  EXPECT_THAT(explained.explanation, StartsWith("io_uring is not available: "));
  return explained.explanation;
}

TEST(SetupFailure, NoSuchCallNamesTheKernelTheFilterAndTheFloor) {
  const std::string text = explain(ENOSYS, environment(-1, false));
  EXPECT_THAT(text, HasSubstr("5.4.0-42"));
  EXPECT_THAT(text, HasSubstr("seccomp"));
  EXPECT_THAT(text, HasSubstr("6.1"));
}

TEST(SetupFailure, SwitchedOffForEverybodyNamesTheSysctlAndItsCure) {
  for (const int error : {EPERM, EACCES}) {
    for (const bool filter : {false, true}) {
      const std::string text = explain(error, environment(2, filter));
      EXPECT_THAT(text, HasSubstr("kernel.io_uring_disabled=2"));
      EXPECT_THAT(text, HasSubstr("sysctl -w kernel.io_uring_disabled=0"));
    }
  }
}

TEST(SetupFailure, KeptForAGroupNamesTheGroup) {
  const std::string text = explain(EPERM, environment(1, false));
  EXPECT_THAT(text, HasSubstr("kernel.io_uring_disabled=1"));
  EXPECT_THAT(text, HasSubstr("kernel.io_uring_group"));
}

TEST(SetupFailure, AFilterIsBlamedWhenTheSysctlIsNot) {
  for (const int disabled : {0, -1}) {
    const std::string text = explain(EPERM, environment(disabled, true));
    EXPECT_THAT(text, HasSubstr("seccomp"));
    EXPECT_THAT(text, HasSubstr("--security-opt seccomp="));
    EXPECT_THAT(text, HasSubstr("SystemCallFilter"));
    EXPECT_THAT(text, Not(HasSubstr("io_uring_disabled=")));
  }
}

TEST(SetupFailure, ARefusalWithoutAnyOfTheThreeTellsWhereToLook) {
  for (const int disabled : {0, -1}) {
    const std::string text = explain(EPERM, environment(disabled, false));
    EXPECT_THAT(text, HasSubstr("kernel.io_uring_disabled"));
    EXPECT_THAT(text, HasSubstr("seccomp"));
    EXPECT_THAT(text, HasSubstr("security module"));
  }
}

TEST(SetupFailure, NoMemoryNamesTheNeedTheLimitAndTheKnobs) {
  const std::string text = explain(ENOMEM, environment(0, false));
  EXPECT_THAT(text, HasSubstr("196 KiB"));
  EXPECT_THAT(text, HasSubstr("64 KiB"));
  EXPECT_THAT(text, HasSubstr("LimitMEMLOCK"));
  EXPECT_THAT(text, HasSubstr("ulimit -l"));
}

TEST(SetupFailure, NoMemoryWithoutALimitDoesNotCallTheLimitZero) {
  SetupEnvironment facts = environment(0, false);
  facts.memlock_limit_bytes = RLIM_INFINITY;
  EXPECT_THAT(explain(ENOMEM, facts), Not(HasSubstr("limit is 0 KiB")));
}

TEST(SetupFailure, UnknownOptionsMeanAnOldKernel) {
  const std::string text = explain(EINVAL, environment(0, false));
  EXPECT_THAT(text, HasSubstr("5.4.0-42"));
  EXPECT_THAT(text, HasSubstr("Linux 6.1 or newer"));
}

TEST(SetupFailure, NoDescriptorNamesTheLimit) {
  for (const int error : {EMFILE, ENFILE}) {
    const std::string text = explain(error, environment(0, false));
    EXPECT_THAT(text, HasSubstr("descriptor"));
    EXPECT_THAT(text, HasSubstr("ulimit -n"));
    EXPECT_THAT(text, HasSubstr("LimitNOFILE"));
  }
}

TEST(SetupFailure, AnythingElseIsGivenByItsName) {
  EXPECT_THAT(explain(EFAULT, environment(0, false)), HasSubstr("Bad address"));
}

TEST(SetupFailure, EveryCauseHasASentenceOfItsOwn) {
  std::set<std::string> texts;
  for (const int error : {ENOSYS, ENOMEM, EINVAL, EMFILE, EIO}) {
    texts.insert(explain(error, environment(0, false)));
  }
  for (const int disabled : {0, 1, 2}) {
    texts.insert(explain(EPERM, environment(disabled, false)));
  }
  texts.insert(explain(EPERM, environment(0, true)));
  EXPECT_EQ(texts.size(), 9U);
}

TEST(SetupEnvironmentHere, IsThatOfThisProcess) {
  utsname names{};
  ASSERT_EQ(::uname(&names), 0);
  rlimit memlock{};
  ASSERT_EQ(::getrlimit(RLIMIT_MEMLOCK, &memlock), 0);
  const SetupEnvironment here = current_environment();
  EXPECT_EQ(here.kernel_release, names.release);
  EXPECT_EQ(here.memlock_limit_bytes, memlock.rlim_cur);
  EXPECT_GE(here.io_uring_disabled, -1);
  EXPECT_LE(here.io_uring_disabled, 2);
}

TEST(Capabilities, TheProbeFindsWhatTheRuntimeUses) {
  const auto found = probe_capabilities();
  ASSERT_TRUE(found) << found.error().explanation;
  EXPECT_EQ(found->kernel_release, current_environment().kernel_release);
  EXPECT_NE(found->features, 0U);
  for (const Opcode opcode :
       {Opcode::nop, Opcode::read, Opcode::write, Opcode::fsync, Opcode::openat2, Opcode::close,
        Opcode::accept, Opcode::receive, Opcode::send, Opcode::connect, Opcode::poll_add,
        Opcode::async_cancel}) {
    EXPECT_TRUE(found->supports(opcode)) << name_of(opcode);
    EXPECT_EQ(found->explain(opcode), "");
  }
  EXPECT_FALSE(found->supports(Opcode::send_file));
}

TEST(Capabilities, ExplainsWhatIsMissing) {
  Capabilities none;
  none.kernel_release = "5.4.0-42";
  EXPECT_THAT(none.explain(Opcode::socket), StartsWith("operation 'socket' needs Linux 5.19"));
  EXPECT_THAT(none.explain(Opcode::socket), HasSubstr("5.4.0-42"));
  EXPECT_THAT(none.explain(Opcode::send_file), HasSubstr("not a ring operation"));
  none.opcodes.set(static_cast<std::size_t>(Opcode::socket));
  EXPECT_EQ(none.explain(Opcode::socket), "");
}

TEST(Capabilities, EveryRingOperationHasANameOfItsOwnAndAVersion) {
  const Capabilities none;
  std::set<std::string> names;
  int known = 0;
  for (int value = 0; value < 254; ++value) {
    const auto opcode = static_cast<Opcode>(value);
    const std::string name = name_of(opcode);
    if (name != "unknown") {
      ++known;
      names.insert(name);
      EXPECT_THAT(none.explain(opcode), HasSubstr("needs Linux "));
    }
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(known));
  EXPECT_EQ(known, 33);
}

TEST(Capabilities, EveryFeatureHasANameOfItsOwnAndAVersion) {
  Capabilities none;
  none.kernel_release = "5.4.0-42";
  std::set<std::string> names;
  for (std::size_t value = 0; value < kFeatureCount; ++value) {
    const auto feature = static_cast<Feature>(value);
    EXPECT_FALSE(none.supports(feature));
    EXPECT_THAT(none.explain(feature), HasSubstr("needs Linux "));
    EXPECT_THAT(none.explain(feature), HasSubstr("this is Linux 5.4.0-42"));
    names.insert(name_of(feature));
  }
  EXPECT_EQ(names.size(), kFeatureCount);
}

TEST(Capabilities, AFeatureIsToldByItsBitOrByAnOperationOfItsRelease) {
  Capabilities some;
  some.features = 1U << 8;
  EXPECT_TRUE(some.supports(Feature::timed_wait));
  EXPECT_FALSE(some.supports(Feature::no_drop));
  EXPECT_THAT(some.explain(Feature::direct_descriptors),
              StartsWith("feature 'direct descriptors' needs Linux 5.19"));
  some.opcodes.set(static_cast<std::size_t>(Opcode::socket));
  EXPECT_TRUE(some.supports(Feature::direct_descriptors));
  EXPECT_TRUE(some.supports(Feature::multishot_accept));
  EXPECT_FALSE(some.supports(Feature::multishot_receive));
  EXPECT_EQ(some.explain(Feature::direct_descriptors), "");
}

// What Linux 6.1 has, the floor: the runtime uses it without asking.
TEST(Capabilities, TheProbeFindsTheFeaturesOfTheFloor) {
  const auto found = probe_capabilities();
  ASSERT_TRUE(found) << found.error().explanation;
  for (const Feature feature :
       {Feature::no_drop, Feature::submit_stable, Feature::fast_poll, Feature::timed_wait,
        Feature::native_workers, Feature::resource_tags, Feature::silent_success,
        Feature::direct_descriptors, Feature::multishot_accept, Feature::provided_buffer_rings,
        Feature::multishot_receive}) {
    EXPECT_EQ(found->explain(feature), "");
  }
  for (const Opcode opcode :
       {Opcode::readv, Opcode::writev, Opcode::read_fixed, Opcode::write_fixed, Opcode::fallocate,
        Opcode::fadvise, Opcode::statx, Opcode::splice, Opcode::renameat, Opcode::unlinkat,
        Opcode::mkdirat, Opcode::linkat}) {
    EXPECT_EQ(found->explain(opcode), "");
  }
}

TEST(BufferFailure, EveryCauseHasASentenceOfItsOwn) {
  std::set<std::string> texts;
  for (const int error : {ENOMEM, EBUSY, EINVAL, EFAULT}) {
    const SetupError explained = explain_buffer_failure(error, environment(0, false));
    EXPECT_EQ(explained.errno_value, error);
    EXPECT_EQ(explained.explanation.find('\n'), std::string::npos);
    EXPECT_THAT(explained.explanation, StartsWith("buffers cannot be registered: "));
    texts.insert(explained.explanation);
  }
  EXPECT_EQ(texts.size(), 4U);
}

}  // namespace
}  // namespace sluice
