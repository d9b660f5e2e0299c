#include "serve/file_handler.hpp"

#include <utility>
#include <vector>

#include "files/directory_reader.hpp"
#include "http/listing_page.hpp"

namespace sluiced::serve {
namespace {

using http::Status;
using sluice::FileStatus;

constexpr std::string_view kAllowed = "GET, HEAD";
// A page with more rows than this helps nobody; it says that it is not complete.
constexpr std::size_t kMostListed = 20000;

bool must_try_again(const std::error_code& error) noexcept {
  return error == std::errc::resource_unavailable_try_again;
}

// Whether a method is one that HTTP knows and this resource does not take (405), or none we know
// (501).
bool is_known(http::Method method) noexcept {
  return method != http::Method::other && method != http::Method::connect &&
         method != http::Method::trace;
}

void redirect_to_directory(const http::Path& path, Response& response) {
  response.set_page(Status::moved_permanently);
  response.location = http::encode_path(path.relative) + "/";
  if (path.has_query) {
    response.location += "?";
    response.location += path.query;
  }
}

}  // namespace

Status status_of(const std::error_code& error) noexcept {
  switch (error.value()) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case EXDEV:  // the path leads out of the root: there is no such thing
    case ELOOP:
      return Status::not_found;
    case EACCES:
    case EPERM:
    case ENXIO:  // a socket, or a FIFO that nobody writes to
    case ENODEV:
      return Status::forbidden;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EAGAIN:
    case ECANCELED:
      return Status::service_unavailable;
    default:
      return Status::internal_server_error;
  }
}

std::optional<FileHandler::Target> FileHandler::locate(const Request& request,
                                                       Response& response) const {
  const http::RequestHead& head = request.head;
  if (head.method != http::Method::get && head.method != http::Method::head) {
    response.set_page(is_known(head.method) ? Status::method_not_allowed : Status::not_implemented);
    if (response.status == Status::method_not_allowed) {
      response.allow = kAllowed;
    }
    return std::nullopt;
  }
  const auto path = http::normalise_target(head.resource, request.path);
  if (!path) {
    response.set_page(http::target_error_status(path.error()));
    // Who sends a target that is none is not to be trusted with the framing either.
    response.closes = response.status == Status::bad_request;
    return std::nullopt;
  }
  const auto route = sites_->router().find(request.listener, head.authority, path->relative);
  if (!route || (path->is_hidden && route->mount->files.hidden == config::Hidden::kDeny)) {
    response.set_page(Status::not_found);
    return std::nullopt;
  }
  if (route->needs_slash && !path->ends_in_slash) {
    redirect_to_directory(*path, response);
    return std::nullopt;
  }
  return Target{*path, *route};
}

bool FileHandler::is_file(const Target& target,
                          const sluice::Result<files::SharedFile>& opened) noexcept {
  return opened && (*opened)->status.type == FileStatus::Type::regular &&
         !target.path.ends_in_slash;
}

FilePlace FileHandler::place_of(const Target& target, std::string_view path) const noexcept {
  const std::size_t mount = target.route.mount_index;
  return {sites_->root(mount), mount, sites_->representations(mount), path};
}

bool FileHandler::answer_opened(const Target& target,
                                const sluice::Result<files::SharedFile>& opened,
                                Response& response) const {
  if (!opened) {
    response.set_page(status_of(opened.error()));
    return true;
  }
  switch ((*opened)->status.type) {
    case FileStatus::Type::regular:  // with a slash behind its name
      response.set_page(Status::not_found);
      return true;
    case FileStatus::Type::directory:
      if (!target.path.ends_in_slash) {
        redirect_to_directory(target.path, response);
        return true;
      }
      response.file = *opened;
      return false;
    case FileStatus::Type::other:
      break;
  }
  response.set_page(Status::forbidden);
  return true;
}

bool FileHandler::try_respond(const Request& request, Response& response) {
  const auto target = locate(request, response);
  if (!target) {
    return true;
  }
  const std::size_t mount = target->route.mount_index;
  const auto opened = cache_.try_open(sites_->root(mount), mount, target->route.rest.data());
  if (!opened && must_try_again(opened.error())) {
    return false;
  }
  if (is_file(*target, opened)) {
    return file_answers_.try_answer(request, place_of(*target, target->route.rest), *opened,
                                    response);
  }
  return answer_opened(*target, opened, response);
}

sluice::Task<void> FileHandler::respond(const Request& request, Response& response) {
  response.clear();
  const auto target = locate(request, response);
  if (!target) {
    co_return;
  }
  auto opened =
      co_await sites_->root(target->route.mount_index).open_file(target->route.rest.data());
  if (is_file(*target, opened)) {
    co_await file_answers_.answer(request, place_of(*target, target->route.rest),
                                  std::move(*opened), response);
  } else if (!answer_opened(*target, opened, response)) {
    files::SharedFile directory = std::exchange(response.file, {});
    co_await answer_directory(request, *target, std::move(directory), response);
  }
}

sluice::Task<void> FileHandler::answer_directory(const Request& request, Target target,
                                                 files::SharedFile directory, Response& response) {
  const config::Mount& mount = *target.route.mount;
  const files::Root& root = sites_->root(target.route.mount_index);
  const std::string prefix =
      target.route.rest == "." ? std::string() : std::string(target.route.rest) + "/";
  for (const std::string& index : mount.files.index) {
    const std::string name = prefix + index;
    auto opened = co_await root.open_file(name.c_str());
    if (opened && (*opened)->status.type == FileStatus::Type::regular) {
      co_await file_answers_.answer(request, place_of(target, name), std::move(*opened), response);
      co_return;
    }
    if (!opened && opened.error() != std::errc::no_such_file_or_directory) {
      response.set_page(status_of(opened.error()));
      co_return;
    }
  }
  if (!mount.listing) {
    response.set_page(Status::forbidden);
    co_return;
  }
  co_await answer_listing(target, directory, response);
}

sluice::Task<void> FileHandler::answer_listing(const Target& target,
                                               const files::SharedFile& directory,
                                               Response& response) {
  const files::Root& root = sites_->root(target.route.mount_index);
  const bool with_hidden = target.route.mount->files.hidden == config::Hidden::kAllow;
  const std::string place(target.route.rest);
  const std::string shown(target.path.relative);
  // Reading names, looking each up, and making the page of them: all of it may wait for the disk or
  // take long, so none of it happens on the shard.
  const auto page = co_await blocking_pool_.run([&]() -> sluice::Result<std::string> {
    const auto contents =
        files::read_directory(root, place, directory->file, with_hidden, kMostListed);
    if (!contents) {
      return std::unexpected(contents.error());
    }
    std::vector<http::ListingEntry> rows;
    rows.reserve(contents->entries.size());
    for (const files::DirectoryEntry& entry : contents->entries) {
      rows.push_back({entry.name, entry.is_directory, entry.size_bytes, entry.modified_s});
    }
    return http::render_listing_page(shown, rows);
  });
  if (!page || !*page) {
    response.set_page(status_of(page ? page->error() : page.error()));
    co_return;
  }
  response.set_text(http::kListingContentType, **page);
  response.security_policy = http::kListingSecurityPolicy;
  response.cache_control = "no-cache";
}

}  // namespace sluiced::serve
