#include "serve/archive_answer.hpp"

#include <string>
#include <utility>

#include "http/content_disposition.hpp"
#include "serve/file_status.hpp"

namespace sluiced::serve {
namespace {

using http::Status;

// What is made in one go on a thread of the pool: much longer, and others wait for it.
constexpr std::size_t kPieceBytes = std::size_t{128} * 1024;

class ArchiveSource final : public BodySource {
 public:
  ArchiveSource(sluice::BlockingPool& blocking_pool, ArchiveSlots::Slot slot,
                std::unique_ptr<files::DirectoryArchive> archive) noexcept
      : blocking_pool_(blocking_pool), slot_(std::move(slot)), archive_(std::move(archive)) {}

  sluice::Task<sluice::Result<std::string_view>> next() override {
    piece_.clear();
    if (is_complete_) {
      co_return std::string_view();
    }
    const auto more = co_await blocking_pool_.run(
        [this]() -> sluice::Result<bool> { return archive_->read(kPieceBytes, piece_); });
    if (!more || !*more) {
      co_return std::unexpected(more ? more->error() : more.error());
    }
    is_complete_ = !**more;
    co_return std::string_view(piece_);
  }

 private:
  sluice::BlockingPool& blocking_pool_;
  ArchiveSlots::Slot slot_;
  std::unique_ptr<files::DirectoryArchive> archive_;
  std::string piece_;
  bool is_complete_ = false;
};

}  // namespace

sluice::Task<void> answer_archive(ArchiveContext context, DirectoryPlace place,
                                  files::ArchiveOptions options, bool head_only,
                                  Response& response) {
  const bool is_tar = options.format == files::ArchiveFormat::tar;
  const std::string file_name = options.name + (is_tar ? ".tar" : ".zip");
  if (!head_only) {
    auto slot = context.slots.try_take();
    if (!slot) {
      response.set_page(Status::service_unavailable);
      co_return;
    }
    auto archive = co_await context.blocking_pool.run([&place, &options] {
      return files::DirectoryArchive::open(place.root, place.path, *place.directory,
                                           std::move(options));
    });
    if (!archive || !*archive) {
      response.set_page(status_of(archive ? archive->error() : archive.error()));
      co_return;
    }
    response.source = std::make_unique<ArchiveSource>(context.blocking_pool, std::move(slot),
                                                      std::move(**archive));
  }
  response.is_streamed = true;
  response.content_type = is_tar ? "application/x-tar" : "application/zip";
  response.cache_control = "no-cache";
  static_cast<void>(
      response.fields.add("Content-Disposition", http::attachment_disposition(file_name)));
}

}  // namespace sluiced::serve
