#pragma once

#include <functional>

#include <sluice/task.hpp>

#include "admin/metrics_page.hpp"
#include "config/config.hpp"
#include "serve/handler.hpp"

namespace sluiced::admin {

/// Answers on the admin listener: /metrics, /livez, /readyz, and a page that names them. Everything
/// is in memory, so nothing is ever waited for.
class AdminHandler final : public serve::Handler {
 public:
  /// Both references must outlive the handler. `is_draining` is asked for /readyz.
  AdminHandler(const config::Admin& options, const MetricsPage& metrics,
               std::function<bool()> is_draining)
      : options_(options), metrics_(metrics), is_draining_(std::move(is_draining)) {}

  [[nodiscard]] bool try_respond(const serve::Request& request, serve::Response& response) override;
  [[nodiscard]] sluice::Task<void> respond(const serve::Request& request,
                                           serve::Response& response) override;

 private:
  const config::Admin& options_;
  const MetricsPage& metrics_;
  std::function<bool()> is_draining_;
};

}  // namespace sluiced::admin
