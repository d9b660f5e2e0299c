#include "serve/representation_rules.hpp"

namespace sluiced::serve {

RepresentationRules::RepresentationRules(const config::FileOptions& options)
    : charset_(options.charset), sends_digests_(options.digest) {
  // What is refused here has been refused when the configuration was validated.
  for (const auto& [extension, type] : options.types) {
    static_cast<void>(types_.set(extension, type));
  }
  for (const std::string& extension : options.sidecars) {
    if (const auto coding = http::coding_of_extension(extension)) {
      sidecars_.push_back(*coding);
    }
  }
  for (const config::HeaderRule& rule : options.headers) {
    static_cast<void>(headers_.add(rule.match, rule.set, rule.unset));
  }
}

std::string_view RepresentationRules::content_type(std::string_view name,
                                                   std::string& storage) const {
  const std::string_view extension = http::file_extension(name);
  if (const std::string_view type = types_.find(extension); !type.empty()) {
    return type;
  }
  // The built-in types say utf-8; a mount may say otherwise, or nothing.
  constexpr std::string_view kUtf8 = "; charset=utf-8";
  const std::string_view type = http::media_type_of(name);
  if (!type.ends_with(kUtf8) || charset_ == "utf-8") {
    return type;
  }
  storage = type.substr(0, type.size() - kUtf8.size());
  if (charset_) {
    storage += "; charset=" + *charset_;
  }
  return storage;
}

std::span<const http::ContentCoding> RepresentationRules::sidecars(std::string_view name) const {
  if (sidecars_.empty() || http::coding_of_extension(http::file_extension(name))) {
    return {};
  }
  return sidecars_;
}

}  // namespace sluiced::serve
