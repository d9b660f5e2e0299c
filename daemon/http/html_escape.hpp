// Text of any bytes as HTML.
#pragma once

#include <string>
#include <string_view>

namespace sluiced::http {

/// Appends `bytes` so that a browser shows them as text, between tags or in a quoted attribute.
///
/// The bytes are taken for UTF-8. Each longest piece of an invalid sequence becomes one U+FFFD, as
/// browsers do it, so nothing that follows is swallowed. Control characters become character
/// references, so that a parsed page holds exactly the name; NUL, which has none, becomes U+FFFD.
void append_html_escaped(std::string& out, std::string_view bytes);

}  // namespace sluiced::http
