// Shards for the tests.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>

#include <sluice/shard.hpp>

#include "support.hpp"

namespace sluice::runtime_test {

[[nodiscard]] inline ShardOptions shard_options(unsigned count) {
  ShardOptions options;
  options.count = count;
  options.ring = kSmallRing;
  return options;
}

[[nodiscard]] inline std::unique_ptr<ShardSet> start(const ShardOptions& options) {
  auto set = ShardSet::start(options);
  if (!set) {
    std::fprintf(stderr, "%s\n", set.error().explanation.c_str());
    std::abort();
  }
  return std::move(*set);
}
[[nodiscard]] inline std::unique_ptr<ShardSet> start(unsigned count) {
  return start(shard_options(count));
}

}  // namespace sluice::runtime_test
