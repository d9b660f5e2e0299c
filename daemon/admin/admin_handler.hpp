#pragma once

#include <functional>

#include <sluice/task.hpp>

#include "admin/metrics_page.hpp"
#include "admin/status_page.hpp"
#include "admin/status_snapshot.hpp"
#include "config/config.hpp"
#include "serve/handler.hpp"

namespace sluiced::admin {

/// Answers on the admin listener: /metrics, /livez, /readyz, /status, and a page that names them,
/// all of which are in memory; and /status.json, for which the shards are asked.
class AdminHandler final : public serve::Handler {
 public:
  using TakeSnapshot = std::function<sluice::Task<StatusSnapshot>()>;

  /// Both references must outlive the handler. `is_draining` is asked for /readyz, and
  /// `take_snapshot` for /status.json.
  AdminHandler(const config::Admin& options, const MetricsPage& metrics,
               std::function<bool()> is_draining, TakeSnapshot take_snapshot)
      : options_(options),
        metrics_(metrics),
        is_draining_(std::move(is_draining)),
        take_snapshot_(std::move(take_snapshot)),
        status_page_(make_status_page()) {}

  [[nodiscard]] bool try_respond(const serve::Request& request, serve::Response& response) override;
  [[nodiscard]] sluice::Task<void> respond(const serve::Request& request,
                                           serve::Response& response) override;

 private:
  const config::Admin& options_;
  const MetricsPage& metrics_;
  std::function<bool()> is_draining_;
  TakeSnapshot take_snapshot_;
  StatusPage status_page_;
};

}  // namespace sluiced::admin
