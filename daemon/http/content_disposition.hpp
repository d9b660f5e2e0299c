// The field that names a download (RFC 6266, with the names of RFC 8187).
#pragma once

#include <string>
#include <string_view>

namespace sluiced::http {

/// `attachment; filename="name.tar"; filename*=UTF-8''name.tar` for a name of any bytes. The quoted
/// form holds only what every browser reads alike, with '_' for the rest; the other holds the whole
/// name as UTF-8, with U+FFFD for what is none.
std::string attachment_disposition(std::string_view name);

}  // namespace sluiced::http
