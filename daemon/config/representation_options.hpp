#pragma once

#include <string>
#include <string_view>

#include "config/reader.hpp"

/// What the options of representations may be: sidecars, headers, types, digest.
namespace sluiced::config {

/// The extension of a precompressed sibling: zst, br or gz, with or without its dot.
[[nodiscard]] Parsed<std::string> check_sidecar(std::string_view text);

/// A pattern for the paths of files, see http::Glob.
[[nodiscard]] Parsed<std::string> check_glob(std::string_view text);

/// The name of a field that an operator may set, kept as written.
[[nodiscard]] Parsed<std::string> check_response_field_name(std::string_view text);
[[nodiscard]] Parsed<std::string> check_field_value(std::string_view text);
/// What a certain field demands of its value, which has passed check_field_value().
[[nodiscard]] Parsed<void> check_value_of_field(std::string_view name, std::string_view value);

/// The extension of a file, kept in lower case without its dot.
[[nodiscard]] Parsed<std::string> check_extension(std::string_view text);
[[nodiscard]] Parsed<std::string> check_media_type(std::string_view text);

inline constexpr ValueType kSidecarsType{
    .expected = "one of zst, br, gz", .check = check_sidecar, .most_items = 3};
inline constexpr ValueType kTypesType{.expected = "{.foo: text/x-foo}",
                                      .check = check_media_type,
                                      .most_items = 1000,
                                      .check_key = check_extension};
inline constexpr ValueType kHeadersType{
    .kind = ValueType::Kind::kSection, .expected = "a map", .most_items = 64};
inline constexpr ValueType kMatchType{.expected = "a pattern such as *.css", .check = check_glob};
inline constexpr ValueType kSetType{.expected = "{Cache-Control: no-cache}",
                                    .check = check_field_value,
                                    .most_items = 64,
                                    .check_key = check_response_field_name,
                                    .check_entry = check_value_of_field};
inline constexpr ValueType kUnsetType{
    .expected = "the name of a field", .check = check_response_field_name, .most_items = 64};

inline constexpr std::string_view kSidecarsDoc =
    "Extensions of precompressed siblings, the preferred first: with gz, a request for a.css by a "
    "client that takes gzip is answered with a.css.gz if that is there and not older. [] for none. "
    "Put them in place by renaming, or they are sent half written.";
inline constexpr std::string_view kHeadersDoc =
    "Fields added to the responses that carry a file, by patterns of its path. Those of defaults "
    "come first, then the site's, then the mount's; all that match count, and a later one wins. "
    "Vary is joined to the server's own; other fields that sluiced writes cannot be set.";
inline constexpr std::string_view kTypesDoc =
    "Media types by extension, sent as they are; they win over the built-in ones.";
inline constexpr std::string_view kDigestDoc =
    "Send the SHA-256 of a file to clients that ask for it (Want-Repr-Digest, "
    "Want-Content-Digest).";

}  // namespace sluiced::config
