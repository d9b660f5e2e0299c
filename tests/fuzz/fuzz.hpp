// What the fuzz targets share: how they take their parameters off the input, and how they fail.
//
// A target is a file NAME_fuzz.cpp with one LLVMFuzzerTestOneInput(). libFuzzer drives it in the
// preset `fuzz`; in every other preset replay.cpp runs it over the seeds, as a regression test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace sluiced::fuzz {

/// Ends the process, which is how a target tells the fuzzer that its oracle was contradicted.
inline void require(bool holds, const char* rule) {
  if (holds) return;
  std::fprintf(stderr, "oracle contradicted: %s\n", rule);
  std::abort();
}

/// The bytes that the fuzzer made. Parameters come first, one byte each, and the text is the rest,
/// so that seeds can be written in an editor: '0' is zero, '1' one, and so on.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  /// A number from 0 to 255; 0 at the end of the input.
  std::uint8_t take_number() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(static_cast<unsigned char>(rest_.front()) - '0');
    rest_.remove_prefix(1);
    return byte;
  }

  /// Lengths of pieces that a text is to be cut into: a count, and then that many lengths.
  std::vector<std::size_t> take_cuts() {
    std::vector<std::size_t> cuts(take_number() % 16);
    for (std::size_t& cut : cuts) cut = take_number();
    return cuts;
  }

  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace sluiced::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
