#include "serve/site_rules.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "http/media_type.hpp"

namespace sluiced::serve {
namespace {

// In the order of config::Respond.
constexpr std::array kAnswers = {http::Status::forbidden, http::Status::not_found,
                                 http::Status::gone, http::Status::misdirected_request,
                                 http::Status::service_unavailable};

std::optional<std::string> read_page(const std::string& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    return std::nullopt;
  }
  std::ifstream in(file, std::ios::binary);
  std::string text(config::kLargestErrorPage + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (!in.eof() || text.size() > config::kLargestErrorPage) {
    return std::nullopt;
  }
  return text;
}

bool names(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

}  // namespace

SiteRules::SiteRules(const config::Site& site)
    : redirects_(site.redirects), otherwise_(kAnswers[static_cast<std::size_t>(site.respond)]) {
  for (const config::ErrorPageKey& page : config::kErrorPageKeys) {
    const std::string& file = site.errors.*page.file;
    if (file.empty()) {
      continue;
    }
    if (auto text = read_page(file)) {
      error_pages_.push_back(
          {static_cast<http::Status>(page.status), http::media_type_of(file), std::move(*text)});
    }
  }
}

const ErrorPage* SiteRules::error_page(http::Status status) const noexcept {
  const auto found = std::ranges::find(error_pages_, status, &ErrorPage::status);
  return found == error_pages_.end() ? nullptr : &*found;
}

MountRules::MountRules(const config::Mount& mount)
    : cors(mount.cors),
      fallback(mount.fallback ? mount.fallback->substr(1) : std::string()),
      as_tar(names(mount.archive, "tar")),
      as_zip(names(mount.archive, "zip")) {}

}  // namespace sluiced::serve
