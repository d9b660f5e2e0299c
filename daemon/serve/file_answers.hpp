#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <sluice/blocking_pool.hpp>
#include <sluice/task.hpp>

#include "config/config.hpp"
#include "files/file_cache.hpp"
#include "files/root.hpp"
#include "http/accept_encoding.hpp"
#include "observe/representation_metrics.hpp"
#include "serve/digest_cache.hpp"
#include "serve/handler.hpp"
#include "serve/plan.hpp"
#include "serve/representation_rules.hpp"

namespace sluiced::serve {

/// Where a file that is to be sent lies. Everything must outlive the answer.
struct FilePlace {
  const files::Root& root;
  std::size_t root_index;  // that of the file cache
  const RepresentationRules& rules;
  std::string_view path;   // beneath the root; ends in a NUL
  std::uint64_t rules_id;  // never that of other rules in the life of the process; not 0
  bool has_cors;
};

/// Answers GET and HEAD with a file that is open: selects its representation (a precompressed
/// sibling, or the file itself), plans the response, adds the fields of the mount and the digests
/// that are asked for. Used by one shard.
class FileAnswers {
 public:
  /// All references must outlive the object; the caches are of the same shard.
  FileAnswers(const config::Limits& limits, files::FileCache& cache, DigestCache& digests,
              observe::RepresentationMetrics& metrics) noexcept
      : limits_(limits), cache_(cache), metrics_(metrics), digests_(digests) {}

  /// Answers with what try_open() of the cache has found just now, if nothing has to be waited for.
  /// False: answer() has to be awaited, with a response that has been cleared.
  [[nodiscard]] bool try_answer(const Request& request, const FilePlace& place,
                                files::SharedFile file, Response& response);
  [[nodiscard]] sluice::Task<void> answer(const Request& request, const FilePlace& place,
                                          files::SharedFile file, Response& response);

 private:
  /// What a file may be sent as: itself, and the siblings that are not older.
  class Variants {
   public:
    explicit Variants(files::SharedFile file) noexcept : plain_(std::move(file)) {}
    /// Nothing is added for what is no regular file, or older than the plain one.
    void add(http::ContentCoding coding, files::SharedFile sibling);
    [[nodiscard]] bool has_siblings() const noexcept { return size_ > 0; }
    /// How many were older. Counted by who has answered: who finds out half-way that it has to wait
    /// leaves all of it to answer().
    [[nodiscard]] std::uint32_t stale_siblings() const noexcept { return stale_; }
    [[nodiscard]] std::optional<http::ContentCoding> choose(const Request& request) const;
    [[nodiscard]] files::SharedFile& file(std::optional<http::ContentCoding> coding) noexcept;

   private:
    files::SharedFile plain_;
    std::size_t size_ = 0;
    std::uint32_t stale_ = 0;
    std::array<http::ContentCoding, http::kContentCodingCount> codings_;
    std::array<files::SharedFile, http::kContentCodingCount> siblings_;
  };

  [[nodiscard]] bool try_find_siblings(const FilePlace& place, Variants& variants);
  [[nodiscard]] sluice::Task<void> find_siblings(const FilePlace& place, Variants& variants);
  /// Renders the head of a response with all of a file, for others like it.
  static void keep_head(const Request& request, std::uint64_t head_for, const files::OpenFile& file,
                        const Response& response);
  void plan(const Request& request, const FilePlace& place, Variants variants,
            Response& response) const;
  /// Counts what was answered, once for each request.
  void count(const Response& response, std::uint32_t stale_siblings) noexcept;

  const config::Limits& limits_;
  files::FileCache& cache_;
  observe::RepresentationMetrics& metrics_;
  DigestCache& digests_;
  std::string sibling_path_;  // keeps its room
};

}  // namespace sluiced::serve
