#include "http/content_disposition.hpp"

#include "http/target.hpp"
#include "http/utf8.hpp"

namespace sluiced::http {

std::string attachment_disposition(std::string_view name) {
  std::string field = "attachment; filename=\"";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain =
        byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\' && c != '/' && c != '%';
    field.push_back(is_plain ? c : '_');
  }
  field.append("\"; filename*=UTF-8''");
  // What append_encoded() leaves as it is may stand there too, but for the slash.
  std::string whole = to_valid_utf8(name);
  for (char& c : whole) {
    if (c == '/') c = '_';
  }
  append_encoded(field, whole);
  return field;
}

}  // namespace sluiced::http
