#include "serve/file_handler.hpp"

#include <optional>
#include <utility>

#include "http/listing.hpp"
#include "http/query.hpp"
#include "serve/archive_answer.hpp"
#include "serve/file_status.hpp"
#include "serve/listing_answer.hpp"

namespace sluiced::serve {
namespace {

using http::Status;
using sluice::FileStatus;

constexpr std::string_view kAllowed = "GET, HEAD, OPTIONS";
// What always fits the head of a response, beside all else that stands there.
constexpr std::size_t kMostLocationBytes = std::size_t{2} * 1024;

bool must_try_again(const std::error_code& error) noexcept {
  return error == std::errc::resource_unavailable_try_again;
}

std::string_view last_component(std::string_view path) noexcept {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// Whether a method is one that HTTP knows and this resource does not take (405), or none we know
// (501).
bool is_known(http::Method method) noexcept {
  return method != http::Method::other && method != http::Method::connect &&
         method != http::Method::trace;
}

void redirect(Status status, std::string location, Response& response) {
  if (location.size() > kMostLocationBytes) {
    response.set_page(Status::uri_too_long);
    return;
  }
  response.set_page(status);
  response.location = std::move(location);
}

void redirect_to_directory(const http::Path& path, Response& response) {
  std::string location = http::encode_path(path.relative) + "/";
  if (path.has_query) {
    location += '?';
    http::append_query(location, path.query);
  }
  redirect(Status::moved_permanently, std::move(location), response);
}

// The names beneath a directory begin with it, but for those of the root itself.
std::string prefix_of(std::string_view directory) {
  return directory == "." ? std::string() : std::string(directory) + "/";
}

// The format that a query asks for a directory as, where the mount offers any.
std::optional<std::string_view> asked_archive(const MountRules& mount, const http::Path& path) {
  return mount.as_tar || mount.as_zip ? http::query_value(path.query, "archive") : std::nullopt;
}

}  // namespace

FileHandler::~FileHandler() {
  for (std::size_t mount = 0; mount < sites_->mount_count(); ++mount) {
    const std::size_t root = sites_->root_id(mount);
    if (!newest_->has_root(root)) {
      cache_.drop_root(root);
    }
  }
}

bool FileHandler::locate(const Request& request, Target& target, Response& response) const {
  const http::RequestHead& head = request.head;
  if (!is_known(head.method)) {
    response.set_page(Status::not_implemented);
    return false;
  }
  if (head.form == http::TargetForm::asterisk) {  // only OPTIONS has it: the server as a whole
    response.status = Status::no_content;
    response.allow = kAllowed;
    return false;
  }
  const auto path = http::normalise_target(head.resource, request.path);
  if (!path) {
    target.rejection = observe::rejection_of(path.error());
    response.set_page(http::target_error_status(path.error()));
    // Who sends a target that is none is not to be trusted with the framing either.
    response.closes = response.status == Status::bad_request;
    return false;
  }
  target.path = *path;
  response.path = path->relative;
  if (!find_mount(request, target, response)) {
    return false;
  }
  if (head.method == http::Method::options) {
    response.status = Status::no_content;
    response.allow = kAllowed;
    target.mount->cors.add_preflight_fields(head, response.fields);
    return false;
  }
  if (head.method != http::Method::get && head.method != http::Method::head) {
    response.set_page(Status::method_not_allowed);
    response.allow = kAllowed;
    return false;
  }
  if (path->is_hidden && target.route.mount->files.hidden == config::Hidden::kDeny) {
    target.rejection = observe::PathRejection::hidden;
    response.set_page(Status::not_found);
    return false;
  }
  if (target.route.needs_slash && !path->ends_in_slash) {
    redirect_to_directory(*path, response);
    return false;
  }
  return true;
}

// The site by its host, its redirects, and then the mount by the path.
bool FileHandler::find_mount(const Request& request, Target& target, Response& response) const {
  const http::RequestHead& head = request.head;
  const auto site = sites_->router().find_site(request.listener, head.authority);
  if (!site) {
    response.set_page(Status::not_found);
    return false;
  }
  target.site = &sites_->site(*site);
  response.site = sites_->config().sites[*site].name;
  // A preflight must not be redirected: browsers take that for a refusal.
  if (!target.site->redirects().empty() && head.method != http::Method::options) {
    if (auto found = target.site->redirects().find(target.path)) {
      redirect(found->status, std::move(found->location), response);
      return false;
    }
  }
  const auto route = sites_->router().find_mount(*site, target.path.relative);
  if (!route) {
    response.set_page(target.site->otherwise());
    return false;
  }
  target.route = *route;
  target.mount = &sites_->mount(route->mount_index);
  return true;
}

void FileHandler::finish(const Request& request, const Target& target, Response& response) const {
  if (target.rejection) {
    observe::ServerMetrics::of(metrics_.path_rejections, *target.rejection).add();
  }
  if (target.site != nullptr && http::is_error(response.status)) {
    if (const ErrorPage* page = target.site->error_page(response.status)) {
      response.set_text(page->content_type, page->text);
      response.security_policy = {};
    }
  }
  if (target.mount != nullptr && target.mount->cors.is_on()) {
    response.varies_by_origin = target.mount->cors.varies_by_origin();
    target.mount->cors.add_fields(request.head, response.fields);
  }
}

bool FileHandler::is_file(const Target& target,
                          const sluice::Result<files::SharedFile>& opened) noexcept {
  return opened && (*opened)->status.type == FileStatus::Type::regular &&
         !target.path.ends_in_slash;
}

FilePlace FileHandler::place_of(const Target& target, std::string_view path) const noexcept {
  const std::size_t mount = target.route.mount_index;
  return {sites_->root(mount),     sites_->root_id(mount),    sites_->representations(mount), path,
          sites_->rules_id(mount), target.mount->cors.is_on()};
}

bool FileHandler::answer_opened(Target& target, const sluice::Result<files::SharedFile>& opened,
                                Response& response) const {
  if (!opened) {
    target.rejection = observe::rejection_of(opened.error());
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
  target.rejection = observe::PathRejection::not_regular;
  response.set_page(Status::forbidden);
  return true;
}

bool FileHandler::try_respond(const Request& request, Response& response) {
  Target target;
  if (locate(request, target, response) && !try_look_up(request, target, response)) {
    return false;
  }
  finish(request, target, response);
  return true;
}

sluice::Result<files::SharedFile> FileHandler::try_open(const Target& target,
                                                        const char* path) const {
  const std::size_t mount = target.route.mount_index;
  return cache_.try_open(sites_->root(mount), sites_->root_id(mount), path);
}

// Answers with what needs no disk. False: look_up() has to be awaited, whatever is in the response.
bool FileHandler::try_look_up(const Request& request, Target& target, Response& response) {
  if (target.path.ends_in_slash && !asked_archive(*target.mount, target.path)) {
    const Attempt attempt = try_index(request, target, response);
    if (attempt != Attempt::nothing_there) {
      return attempt == Attempt::answered;
    }
  }
  auto opened = try_open(target, target.route.rest.data());
  if (!opened && must_try_again(opened.error())) {
    return false;
  }
  if (is_file(target, opened)) {
    return file_answers_.try_answer(request, place_of(target, target.route.rest),
                                    std::move(*opened), response);
  }
  if (!answer_opened(target, opened, response)) {
    return false;
  }
  if (response.status != Status::not_found || target.mount->fallback.empty()) {
    return true;
  }
  auto fallback = try_open(target, target.mount->fallback.c_str());
  if (!fallback || (*fallback)->status.type != FileStatus::Type::regular) {
    return false;
  }
  response.clear();
  return file_answers_.try_answer(request, place_of(target, target.mount->fallback),
                                  std::move(*fallback), response);
}

FileHandler::Attempt FileHandler::try_index(const Request& request, const Target& target,
                                            Response& response) {
  const config::Mount& mount = *target.route.mount;
  for (const std::string& index : mount.files.index) {
    const std::string name = prefix_of(target.route.rest) + index;
    auto opened = try_open(target, name.c_str());
    if (opened && (*opened)->status.type == FileStatus::Type::regular) {
      const bool is_answered =
          file_answers_.try_answer(request, place_of(target, name), std::move(*opened), response);
      return is_answered ? Attempt::answered : Attempt::must_wait;
    }
    if (!opened && opened.error() != std::errc::no_such_file_or_directory) {
      return Attempt::must_wait;
    }
  }
  return Attempt::nothing_there;
}

sluice::Task<void> FileHandler::respond(const Request& request, Response& response) {
  response.clear();
  Target target;
  if (locate(request, target, response)) {
    co_await look_up(request, target, response);
  }
  finish(request, target, response);
}

sluice::Task<void> FileHandler::look_up(const Request& request, Target& target,
                                        Response& response) {
  const std::size_t mount = target.route.mount_index;
  auto opened =
      co_await cache_.open(sites_->root(mount), sites_->root_id(mount), target.route.rest.data());
  if (is_file(target, opened)) {
    co_await file_answers_.answer(request, place_of(target, target.route.rest), std::move(*opened),
                                  response);
    co_return;
  }
  if (!answer_opened(target, opened, response)) {
    co_await answer_directory(request, target, std::exchange(response.file, {}), response);
  }
  if (response.status == Status::not_found && !target.mount->fallback.empty()) {
    co_await answer_fallback(request, target, response);
  }
}

// Once, and not again: what is not there either is 404.
sluice::Task<void> FileHandler::answer_fallback(const Request& request, const Target& target,
                                                Response& response) {
  const std::string& fallback = target.mount->fallback;
  const std::size_t mount = target.route.mount_index;
  auto opened = co_await cache_.open(sites_->root(mount), sites_->root_id(mount), fallback.c_str());
  if (opened && (*opened)->status.type == FileStatus::Type::regular) {
    response.clear();
    co_await file_answers_.answer(request, place_of(target, fallback), std::move(*opened),
                                  response);
  }
}

sluice::Task<bool> FileHandler::answer_index(const Request& request, const Target& target,
                                             Response& response) {
  const config::Mount& mount = *target.route.mount;
  const std::size_t mount_index = target.route.mount_index;
  for (const std::string& index : mount.files.index) {
    const std::string name = prefix_of(target.route.rest) + index;
    auto opened =
        co_await cache_.open(sites_->root(mount_index), sites_->root_id(mount_index), name.c_str());
    if (opened && (*opened)->status.type == FileStatus::Type::regular) {
      co_await file_answers_.answer(request, place_of(target, name), std::move(*opened), response);
      co_return true;
    }
    if (!opened && opened.error() != std::errc::no_such_file_or_directory) {
      response.set_page(status_of(opened.error()));
      co_return true;
    }
  }
  co_return false;
}

sluice::Task<void> FileHandler::answer_directory(const Request& request, const Target& target,
                                                 files::SharedFile directory, Response& response) {
  const config::Mount& mount = *target.route.mount;
  const std::size_t index = target.route.mount_index;
  DirectoryPlace place{std::shared_ptr<const files::Root>(sites_, &sites_->root(index)),
                       std::string(target.route.rest), std::move(directory),
                       mount.files.hidden == config::Hidden::kAllow};
  if (const auto asked = asked_archive(*target.mount, target.path)) {
    const bool is_tar = *asked == "tar";
    if (is_tar ? !target.mount->as_tar : *asked != "zip" || !target.mount->as_zip) {
      response.set_page(Status::bad_request);
      co_return;
    }
    // Named, and moved: GCC 12 destroys twice what is made within a co_await expression.
    files::ArchiveOptions options;
    options.format = is_tar ? files::ArchiveFormat::tar : files::ArchiveFormat::zip;
    options.name = target.path.is_root() ? "archive" : last_component(target.path.relative);
    options.with_hidden = place.with_hidden;
    options.most_entries = sites_->config().archives.max_entries;
    const bool head_only = request.head.method == http::Method::head;
    co_await answer_archive({blocking_pool_, sites_->archive_slots()}, std::move(place),
                            std::move(options), head_only, response);
    co_return;
  }
  const bool has_index = co_await answer_index(request, target, response);
  if (has_index) {
    co_return;
  }
  if (!mount.listing) {
    // With a fallback there is nothing that may not be seen, but nothing to see.
    response.set_page(target.mount->fallback.empty() ? Status::forbidden : Status::not_found);
    co_return;
  }
  const auto query = http::parse_listing_query(target.path.query);
  if (!query) {
    response.set_page(Status::bad_request);
    co_return;
  }
  http::ListingFacts facts;
  facts.path = target.path.relative;
  facts.query = *query;
  facts.as_tar = target.mount->as_tar;
  facts.as_zip = target.mount->as_zip;
  co_await answer_listing({blocking_pool_, sites_->config().listings.max_entries}, request.head,
                          std::move(place), facts, response);
}

}  // namespace sluiced::serve
