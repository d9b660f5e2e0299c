#include "admin/admin_handler.hpp"

#include <string_view>

namespace sluiced::admin {
namespace {

using http::Status;

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
constexpr std::string_view kOverview =
    "sluiced\n"
    "/metrics  numbers for Prometheus\n"
    "/livez    200 while the process answers\n"
    "/readyz   200 while it takes requests, 503 while it is stopping\n"
    "/status   what it is doing, as a page; /status.json for programs\n";

}  // namespace

bool AdminHandler::try_respond(const serve::Request& request, serve::Response& response) {
  if (request.head.method != http::Method::get && request.head.method != http::Method::head) {
    response.set_page(Status::method_not_allowed);
    response.allow = "GET, HEAD";
    return true;
  }
  response.cache_control = "no-store";
  const auto path = http::normalise_target(request.head.resource, request.path);
  if (!path) {
    response.set_page(http::target_error_status(path.error()));
  } else if (path->relative == "metrics" && options_.metrics) {
    response.set_text(kMetricsContentType, metrics_.render());
  } else if (path->relative == "livez" && options_.health) {
    response.set_text(kPlainText, "ok\n");
  } else if (path->relative == "readyz" && options_.health) {
    const bool draining = is_draining_();
    response.status = draining ? Status::service_unavailable : Status::ok;
    response.set_text(kPlainText, draining ? "draining\n" : "ok\n");
  } else if (path->relative == "status" && options_.status) {
    response.security_policy = status_page_.security_policy;
    response.set_text("text/html; charset=utf-8", status_page_.html);
  } else if (path->relative == "status.json" && options_.status) {
    return false;
  } else if (path->is_root()) {
    response.set_text(kPlainText, std::string(kOverview));
  } else {
    response.set_page(Status::not_found);
  }
  return true;
}

sluice::Task<void> AdminHandler::respond(const serve::Request& request, serve::Response& response) {
  if (try_respond(request, response)) {
    co_return;
  }
  const StatusSnapshot snapshot = co_await take_snapshot_();
  response.set_text("application/json", status_json(snapshot));
}

}  // namespace sluiced::admin
