#include <sluice/detail/invariant.hpp>

#include <cstdio>
#include <cstdlib>

namespace sluice::detail {

void invariant_failed(std::string_view rule, std::source_location where) noexcept {
  std::fprintf(stderr, "sluice: broken rule: %.*s (%s:%u)\n", static_cast<int>(rule.size()),
               rule.data(), where.file_name(), static_cast<unsigned>(where.line()));
  std::abort();
}

}  // namespace sluice::detail
