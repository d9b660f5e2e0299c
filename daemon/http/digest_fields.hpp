// Digests of content and of representations (RFC 9530). Of its algorithms, sha-256 alone is known.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "http/field_table.hpp"

namespace sluiced::http {

using Sha256Digest = std::array<unsigned char, 32>;

/// Which digests a client asks for.
struct WantedDigests {
  bool of_representation = false;  // Want-Repr-Digest
  bool of_content = false;         // Want-Content-Digest

  bool any() const { return of_representation || of_content; }
};

/// Reads the two fields (section 4): dictionaries of algorithms, each with a preference from 0,
/// which means none of it, to 10. Of an algorithm that is named twice the last counts. A field that
/// is no such dictionary is ignored, as RFC 8941 section 4.2 demands.
WantedDigests wanted_digests(const FieldTable& fields);

/// "sha-256=:BASE64:", the value of Repr-Digest and Content-Digest.
class DigestField {
 public:
  explicit DigestField(const Sha256Digest& digest);
  std::string_view text() const { return {text_.data(), text_.size()}; }

 private:
  static constexpr std::string_view kBegin = "sha-256=:";
  std::array<char, kBegin.size() + 44 + 1> text_;
};

}  // namespace sluiced::http
