#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sluice/blocking_pool.hpp>
#include <sluice/executor.hpp>
#include <sluice/task.hpp>

#include "files/file_cache.hpp"
#include "files/root.hpp"
#include "http/target.hpp"
#include "observe/path_rejection.hpp"
#include "observe/server_metrics.hpp"
#include "serve/file_answers.hpp"
#include "serve/handler.hpp"
#include "serve/site_table.hpp"

namespace sluiced::serve {

/// Answers GET and HEAD with files, index files, listings, archives and redirects, and OPTIONS with
/// what is allowed. Used by one shard.
class FileHandler final : public Handler {
 public:
  /// What a shard keeps while one handler takes the place of another.
  struct Resources {
    files::FileCache& cache;
    DigestCache& digests;
    sluice::BlockingPool& blocking_pool;
    observe::ServerMetrics& metrics;
    /// What is served now: of a root that is not in it nothing is kept when the handler goes.
    const std::shared_ptr<const SiteTable>& newest;
  };
  /// All references must outlive the handler.
  FileHandler(std::shared_ptr<const SiteTable> sites, const Resources& resources) noexcept
      : sites_(std::move(sites)),
        cache_(resources.cache),
        blocking_pool_(resources.blocking_pool),
        file_answers_(sites_->config().limits, resources.cache, resources.digests,
                      resources.metrics.representations),
        metrics_(resources.metrics),
        newest_(resources.newest) {}
  ~FileHandler() override;

  void received_in_turn() noexcept override { cache_.received_in_turn(); }
  [[nodiscard]] bool try_respond(const Request& request, Response& response) override;
  [[nodiscard]] sluice::Task<void> respond(const Request& request, Response& response) override;

 private:
  /// What parse, route and authorise come to. The rules are null as far as it did not get.
  struct Target {
    http::Path path;
    const SiteRules* site = nullptr;
    const MountRules* mount = nullptr;
    Route route;
    std::optional<observe::PathRejection> rejection;  // counted once, by finish()
  };
  /// What came of trying to answer without waiting.
  enum class Attempt : std::uint8_t { nothing_there, answered, must_wait };
  /// True when there is a place to look; false when `response` is the answer.
  [[nodiscard]] bool locate(const Request& request, Target& target, Response& response) const;
  [[nodiscard]] bool find_mount(const Request& request, Target& target, Response& response) const;
  /// What is the same for all answers of a site or a mount: its error pages, and CORS.
  void finish(const Request& request, const Target& target, Response& response) const;
  [[nodiscard]] bool try_look_up(const Request& request, Target& target, Response& response);
  [[nodiscard]] Attempt try_index(const Request& request, const Target& target, Response& response);
  /// Whether the answer is a file, which `opened` is.
  [[nodiscard]] static bool is_file(const Target& target,
                                    const sluice::Result<files::SharedFile>& opened) noexcept;
  [[nodiscard]] FilePlace place_of(const Target& target, std::string_view path) const noexcept;
  [[nodiscard]] sluice::Result<files::SharedFile> try_open(const Target& target,
                                                           const char* path) const;
  [[nodiscard]] sluice::Task<void> look_up(const Request& request, Target& target,
                                           Response& response);
  [[nodiscard]] sluice::Task<void> answer_fallback(const Request& request, const Target& target,
                                                   Response& response);
  /// What is no file: true when `opened` could be answered with; false when it is a directory, to
  /// be looked into.
  [[nodiscard]] bool answer_opened(Target& target, const sluice::Result<files::SharedFile>& opened,
                                   Response& response) const;
  [[nodiscard]] sluice::Task<void> answer_directory(const Request& request, const Target& target,
                                                    files::SharedFile directory,
                                                    Response& response);
  /// True when an index file, or what keeps it from being served, is the answer.
  [[nodiscard]] sluice::Task<bool> answer_index(const Request& request, const Target& target,
                                                Response& response);

  std::shared_ptr<const SiteTable> sites_;
  files::FileCache& cache_;
  sluice::BlockingPool& blocking_pool_;
  FileAnswers file_answers_;
  observe::ServerMetrics& metrics_;
  const std::shared_ptr<const SiteTable>& newest_;
};

}  // namespace sluiced::serve
