#include "http/error_page.hpp"

namespace sluiced::http {

std::string_view error_page_content_type(ErrorPageFormat format) {
  return format == ErrorPageFormat::html ? "text/html; charset=utf-8" : "text/plain; charset=utf-8";
}

std::string render_error_page(Status status, ErrorPageFormat format) {
  std::string title = std::to_string(status_code(status));
  title.append(" ").append(reason_phrase(status));
  if (format == ErrorPageFormat::text) return title.append("\n");
  std::string page =
      "<!DOCTYPE html>\n"
      "<html lang=\"en\">\n"
      "<head>\n"
      "<meta charset=\"utf-8\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<title>";
  page.append(title).append("</title>\n</head>\n<body>\n<h1>");
  page.append(title).append("</h1>\n</body>\n</html>\n");
  return page;
}

}  // namespace sluiced::http
