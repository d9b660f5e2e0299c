#include "admin/status_page.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string_view>

#include "admin/status_page_parts.hpp"

namespace sluiced::admin {
namespace {

/// As the policy names it: 'sha256-...'.
std::string source_of(std::string_view text) {
  constexpr std::size_t kDigestBytes = 32;
  std::array<unsigned char, kDigestBytes> digest;
  std::array<unsigned char, (kDigestBytes + 2) / 3 * 4 + 1> base64;
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("cannot compute the digest of the page at /status");
  }
  const int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(digest.size()));
  std::string source = "'sha256-";
  source.append(base64.begin(), base64.begin() + length);
  return source.append("'");
}

void replace(std::string& html, std::string_view mark, std::string_view text) {
  const std::size_t at = html.find(mark);
  if (at == std::string::npos) {
    throw std::logic_error("the page at /status has no place for its style or script");
  }
  html.replace(at, mark.size(), text);
}

}  // namespace

StatusPage make_status_page() {
  StatusPage page;
  page.html = kStatusHtml;
  replace(page.html, "/* status.css */", kStatusStyle);
  replace(page.html, "/* status.js */", kStatusScript);
  page.security_policy = "default-src 'none'; style-src ";
  page.security_policy.append(source_of(kStatusStyle))
      .append("; script-src ")
      .append(source_of(kStatusScript))
      // An empty icon, so that no browser asks for one.
      .append(
          "; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
          "frame-ancestors 'none'");
  return page;
}

}  // namespace sluiced::admin
