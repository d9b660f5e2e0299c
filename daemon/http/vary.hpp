// The value of Vary (RFC 9110 section 12.5.5), where the server and its operator both name fields.
#pragma once

#include <string>
#include <string_view>

namespace sluiced::http {

/// Whether `text` is a list of field names, or holds "*".
bool is_vary_value(std::string_view text);

/// One value that says what both say, each field once: `own`, and then what `added` names beyond
/// it. "*" alone if `added` holds it: then no names matter. `added` is a vary value.
std::string merged_vary(std::string_view own, std::string_view added);

}  // namespace sluiced::http
