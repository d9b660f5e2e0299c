#include "serve/cors.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>

namespace sluiced::serve {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) {
    list += (list.empty() ? "" : ", ") + word;
  }
  return list;
}

// Every value comes from the configuration, which has been checked; what could not stand in a field
// would be left out.
void add(http::RenderedFields& fields, std::string_view name, std::string_view value) {
  if (!value.empty()) {
    static_cast<void>(fields.add(name, value));
  }
}

}  // namespace

CorsRules::CorsRules(const config::Cors& cors)
    : origins_(cors.origins),
      methods_(cors.methods),
      allows_any_(std::ranges::find(cors.origins, "*") != cors.origins.end()),
      credentials_(cors.credentials),
      allowed_methods_(joined(cors.methods)),
      allowed_headers_(joined(cors.headers)),
      exposed_(joined(cors.expose)),
      max_age_s_(
          std::to_string(std::chrono::duration_cast<std::chrono::seconds>(cors.max_age).count())) {}

bool CorsRules::allows_origin_of(const http::RequestHead& request) const {
  const auto origin = request.fields.single(http::KnownField::origin);
  return origin && (allows_any_ || std::ranges::find(origins_, *origin) != origins_.end());
}

void CorsRules::add_fields(const http::RequestHead& request, http::RenderedFields& fields) const {
  if (!allows_origin_of(request)) {
    return;
  }
  add(fields, "Access-Control-Allow-Origin",
      allows_any_ ? std::string_view("*") : *request.fields.single(http::KnownField::origin));
  if (credentials_) {
    add(fields, "Access-Control-Allow-Credentials", "true");
  }
  if (!is_preflight(request)) {
    add(fields, "Access-Control-Expose-Headers", exposed_);
  }
}

bool CorsRules::is_preflight(const http::RequestHead& request) noexcept {
  return request.method == http::Method::options && request.fields.has(http::KnownField::origin) &&
         request.fields.has(http::KnownField::access_control_request_method);
}

void CorsRules::add_preflight_fields(const http::RequestHead& request,
                                     http::RenderedFields& fields) const {
  const auto method = request.fields.single(http::KnownField::access_control_request_method);
  if (!allows_origin_of(request) || !method ||
      std::ranges::find(methods_, *method) == methods_.end()) {
    return;
  }
  add(fields, "Access-Control-Allow-Methods", allowed_methods_);
  add(fields, "Access-Control-Allow-Headers", allowed_headers_);
  add(fields, "Access-Control-Max-Age", max_age_s_);
}

}  // namespace sluiced::serve
