// A configuration file: never a crash, and every error names a line that is there.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/dump.hpp"
#include "config/load.hpp"
#include "config/source.hpp"
#include "fuzz.hpp"

namespace sluiced::fuzz {
namespace {

/// A file of nothing has no line to point at, and neither has the number of errors not shown.
bool concerns_the_whole(const config::Diagnostic& one) {
  return one.message.starts_with("the file is empty") ||
         one.message.starts_with("the file holds only comments") ||
         one.message.ends_with("more not shown");
}

void check_diagnostics(const std::vector<config::Diagnostic>& found, std::string_view text) {
  const config::Source source("fuzz.yaml", std::string(text));
  for (const config::Diagnostic& one : found) {
    require(!one.message.empty(), "a diagnostic says something");
    require(std::ranges::all_of(one.message,
                                [](char c) {
                                  const auto byte = static_cast<unsigned char>(c);
                                  return byte >= ' ' && byte != 0x7f;
                                }),
            "a message is one line of printable text");
    require(one.file == "fuzz.yaml", "a diagnostic names its file");
    if (one.severity == config::Severity::kError && !concerns_the_whole(one)) {
      require(one.place.known() && one.place.column > 0, "an error has a place");
    }
    require(one.place.line <= std::max(1U, source.line_count()), "the place is in the file");
  }
  const std::string shown = config::format(found);
  require(found.empty() || shown.ends_with('\n'), "what is shown ends its line");
}

}  // namespace
}  // namespace sluiced::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluiced;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto loaded = config::load_text(text, "fuzz.yaml");
  if (loaded) {
    fuzz::check_diagnostics(loaded->warnings, text);
    fuzz::require(!loaded->listeners.empty() && !loaded->sites.empty(),
                  "what is accepted serves something");
    const std::string dumped = config::dump(*loaded);
    // A long list of sites with all that they inherit may be more than a file may hold.
    if (dumped.size() <= config::kMostFileBytes) {
      const auto again = config::load_text(dumped, "dump.yaml");
      fuzz::require(again && config::dump(*again) == dumped, "a dump loads again to the same");
    }
    return 0;
  }
  fuzz::require(std::ranges::any_of(loaded.error(),
                                    [](const config::Diagnostic& one) {
                                      return one.severity == config::Severity::kError;
                                    }),
                "what is refused has an error");
  fuzz::check_diagnostics(loaded.error(), text);
  return 0;
}
