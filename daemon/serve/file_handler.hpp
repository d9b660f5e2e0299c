#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <sluice/blocking_pool.hpp>
#include <sluice/executor.hpp>
#include <sluice/task.hpp>

#include "files/file_cache.hpp"
#include "files/root.hpp"
#include "http/target.hpp"
#include "serve/file_answers.hpp"
#include "serve/handler.hpp"
#include "serve/site_table.hpp"

namespace sluiced::serve {

/// Answers GET and HEAD with files, index files and listings. Used by one shard.
class FileHandler final : public Handler {
 public:
  /// All references must outlive the handler; `cache` is of the same shard.
  FileHandler(std::shared_ptr<const SiteTable> sites, files::FileCache& cache,
              sluice::BlockingPool& blocking_pool, observe::RepresentationMetrics& metrics) noexcept
      : sites_(std::move(sites)),
        cache_(cache),
        blocking_pool_(blocking_pool),
        file_answers_(sites_->config().limits, cache, blocking_pool, metrics) {}

  [[nodiscard]] bool try_respond(const Request& request, Response& response) override;
  [[nodiscard]] sluice::Task<void> respond(const Request& request, Response& response) override;

 private:
  /// What parse, route and authorise come to: a place to look, unless `response` is the answer.
  struct Target {
    http::Path path;
    Route route;
  };
  [[nodiscard]] std::optional<Target> locate(const Request& request, Response& response) const;
  /// Whether the answer is a file, which `opened` is.
  [[nodiscard]] static bool is_file(const Target& target,
                                    const sluice::Result<files::SharedFile>& opened) noexcept;
  [[nodiscard]] FilePlace place_of(const Target& target, std::string_view path) const noexcept;
  /// What is no file: true when `opened` could be answered with; false when it is a directory, to
  /// be looked into.
  [[nodiscard]] bool answer_opened(const Target& target,
                                   const sluice::Result<files::SharedFile>& opened,
                                   Response& response) const;
  [[nodiscard]] sluice::Task<void> answer_directory(const Request& request, Target target,
                                                    files::SharedFile directory,
                                                    Response& response);
  [[nodiscard]] sluice::Task<void> answer_listing(const Target& target,
                                                  const files::SharedFile& directory,
                                                  Response& response);

  std::shared_ptr<const SiteTable> sites_;
  files::FileCache& cache_;
  sluice::BlockingPool& blocking_pool_;
  FileAnswers file_answers_;
};

/// The status that tells a client of an error of openat2(2) or read(2).
[[nodiscard]] http::Status status_of(const std::error_code& error) noexcept;

}  // namespace sluiced::serve
