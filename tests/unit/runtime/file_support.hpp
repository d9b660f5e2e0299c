// What the tests of operations on files and names share.
#pragma once

#include <fcntl.h>

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <sluice/directory.hpp>
#include <sluice/file.hpp>

#include "support.hpp"

namespace sluice::runtime_test {

/// The errno of a result; 0: it is a success.
template <class T>
[[nodiscard]] int errno_of(const Result<T>& result) {
  return result.has_value() ? 0 : result.error().value();
}

/// A loop on the real kernel, a folder of its own, and ways to run one operation to its end.
class FileFixture : public ::testing::Test {
 protected:
  template <OperationRequest Request>
  auto await(Operation<Request> operation) {
    using Outcome = typename Operation<Request>::Outcome;
    const auto awaiting = [](Operation<Request> awaited) -> Task<Outcome> {
      co_return co_await std::move(awaited);
    };
    return loop_.run(awaiting(std::move(operation)));
  }
  template <class T>
  T await(Task<T> task) {
    return loop_.run(std::move(task));
  }
  /// The errno that an operation or task ends with.
  template <class Awaitable>
  int error_of(Awaitable awaitable) {
    return errno_of(await(std::move(awaitable)));
  }
  File open(const std::string& path, int flags, unsigned mode = 0600) {
    return File(await(File::open(path.c_str(), flags, mode)).value());
  }

  TemporaryFolder folder_;
  Loop loop_;
};

}  // namespace sluice::runtime_test
