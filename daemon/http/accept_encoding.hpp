// Content codings, and which of them a client takes (RFC 9110 sections 8.4 and 12.5.3).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "http/field_table.hpp"

namespace sluiced::http {

/// A coding that a file may be stored in beside its plain form.
enum class ContentCoding : std::uint8_t { zstd, br, gzip };

inline constexpr std::size_t kContentCodingCount = 3;

/// The name in Content-Encoding and Accept-Encoding: "zstd", "br" or "gzip".
std::string_view coding_name(ContentCoding coding);

/// What the name of a file in that coding ends in: ".zst", ".br" or ".gz".
std::string_view coding_suffix(ContentCoding coding);

/// The coding whose suffix, without the dot, `extension` is.
std::optional<ContentCoding> coding_of_extension(std::string_view extension);

/// What the Accept-Encoding lines of a request say, all lines being one list.
///
/// A member that is not of the grammar is passed over, as if it were not there: nobody is refused a
/// file for it. Of a coding that is named twice the last weight counts. "x-gzip" is gzip (section
/// 8.4.1.3).
class AcceptedCodings {
 public:
  explicit AcceptedCodings(const FieldTable& fields);

  /// The coding to send when a representation is there in each of `available`, the more preferred
  /// first, and without coding as well; nothing for without. That is the one with the greatest
  /// weight; between equal ones the order of `available` decides, and any goes before none. No
  /// coding is sent to who names none: neither without the field, which would allow every coding,
  /// nor with an empty one.
  ///
  /// A client that refuses the plain form ("identity;q=0") and takes nothing else that is available
  /// is sent the plain form: section 12.5.3 leaves that open, and bytes help it more than 406.
  std::optional<ContentCoding> best_of(std::span<const ContentCoding> available) const;

 private:
  static constexpr int kNotNamed = -1;
  void read_member(std::string_view member);

  // In thousandths.
  std::array<int, kContentCodingCount> weights_{kNotNamed, kNotNamed, kNotNamed};
  int identity_ = kNotNamed;
  int any_ = kNotNamed;
};

}  // namespace sluiced::http
