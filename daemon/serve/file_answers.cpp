#include "serve/file_answers.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "http/digest_fields.hpp"
#include "serve/boundary.hpp"

namespace sluiced::serve {
namespace {

using http::ContentCoding;
using http::Status;
using sluice::FileStatus;

// Of each file that is kept open; a longer one is rendered each time.
constexpr std::size_t kLongestKeptHead = 1024;

http::FileTime modified(const FileStatus& status) noexcept {
  return {status.modified_s, status.modified_ns};
}

// Whether a sibling was made before its file. Some tools keep whole seconds only of the time that
// they take over.
bool is_older(const FileStatus& sibling, const FileStatus& file) noexcept {
  return sibling.modified_ns == 0 ? sibling.modified_s < file.modified_s
                                  : modified(sibling) < modified(file);
}

std::uint8_t bit_of(ContentCoding coding) noexcept {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(coding));
}

std::string_view name_in(std::string_view path) noexcept {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

void make_sibling_path(std::string& out, std::string_view path, ContentCoding coding) {
  out.assign(path);
  out.append(http::coding_suffix(coding));
}

bool carries_content(const Response& response) noexcept {
  return response.status == Status::ok || response.status == Status::partial_content;
}

// Which digests go with a response that has been planned. RFC 9530 section 2 has Content-Digest
// cover the content of the very message: that of all of the file is that of the representation, of
// a part of it nobody knows before it has been read, and HEAD has none.
http::WantedDigests digests_to_send(const Request& request, const Response& response) {
  if (!carries_content(response)) {
    return {};
  }
  http::WantedDigests wanted = http::wanted_digests(request.head.fields);
  wanted.of_content = wanted.of_content && response.status == Status::ok &&
                      request.head.method == http::Method::get;
  return wanted;
}

void add_digest(const http::WantedDigests& wanted, const http::Sha256Digest& digest,
                Response& response) {
  if (wanted.of_representation) {
    response.representation_digest = digest;
  }
  if (wanted.of_content) {
    response.content_digest = digest;
  }
}

// Whether nothing in a request for a file makes it different from the next one's, but for what it
// may be encoded as.
bool is_plain(const http::RequestHead& head) noexcept {
  using enum http::KnownField;
  return !head.fields.has_any(http::known_fields(if_match, if_modified_since, if_none_match,
                                                 if_range, if_unmodified_since, range,
                                                 want_content_digest, want_repr_digest));
}

bool may_be_as_before(const Request& request, const FilePlace& place) noexcept {
  return !place.has_cors && is_plain(request.head);
}

std::span<const ContentCoding> sidecars_of(const FilePlace& place) {
  return place.rules.has_sidecars() ? place.rules.sidecars(name_in(place.path))
                                    : std::span<const ContentCoding>();
}

// What a head is rendered for: the rules of a mount, and which of its variants a file is.
std::uint64_t head_id(const FilePlace& place, std::optional<ContentCoding> coding,
                      bool varies_by_encoding) noexcept {
  const std::uint64_t variant = coding ? static_cast<std::uint64_t>(*coding) + 1 : 0;
  return place.rules_id * 16 + variant * 2 + (varies_by_encoding ? 1 : 0);
}

// Answers with all of a file, under the head that is kept of it.
void answer_as_before(files::SharedFile file, std::string_view coding_name, Response& response) {
  response.rendered_head = &file->head.text;
  response.content_encoding = coding_name;
  response.content_length = response.complete_length = file->status.size_bytes;
  response.file = std::move(file);
}

}  // namespace

void FileAnswers::Variants::add(ContentCoding coding, files::SharedFile sibling) {
  if (sibling->status.type != FileStatus::Type::regular) {
    return;
  }
  if (is_older(sibling->status, plain_->status)) {
    ++stale_;
    return;
  }
  codings_[size_] = coding;
  siblings_[size_] = std::move(sibling);
  ++size_;
}

std::optional<ContentCoding> FileAnswers::Variants::choose(const Request& request) const {
  if (size_ == 0) {
    return std::nullopt;
  }
  return http::AcceptedCodings(request.head.fields).best_of(std::span(codings_).first(size_));
}

files::SharedFile& FileAnswers::Variants::file(std::optional<ContentCoding> coding) noexcept {
  for (std::size_t i = 0; i < size_; ++i) {
    if (codings_[i] == coding) {
      return siblings_[i];
    }
  }
  return plain_;
}

// Every sibling is looked for, whatever the client takes: one that is there makes the response
// vary. Those known not to be there cost nothing; that is known as long as the file is kept.
bool FileAnswers::try_find_siblings(const FilePlace& place, Variants& variants) {
  const auto codings = sidecars_of(place);
  if (codings.empty()) {
    return true;
  }
  const std::uint8_t known_absent = cache_.absent_siblings(place.root_index, place.path);
  std::uint8_t absent = 0;
  for (const ContentCoding coding : codings) {
    if ((known_absent & bit_of(coding)) != 0) {
      continue;
    }
    make_sibling_path(sibling_path_, place.path, coding);
    auto opened = cache_.try_open(place.root, place.root_index, sibling_path_.c_str());
    if (opened) {
      variants.add(coding, std::move(*opened));
    } else if (opened.error() == std::errc::resource_unavailable_try_again) {
      return false;
    } else if (opened.error() == std::errc::no_such_file_or_directory) {
      absent |= bit_of(coding);
    }
  }
  if (absent != 0) {
    cache_.note_absent_siblings(place.root_index, place.path, absent);
  }
  return true;
}

// The same with waiting. What is not there is not noted: it may have come by the time that the
// look-up has been answered and the file is being watched.
sluice::Task<void> FileAnswers::find_siblings(const FilePlace& place, Variants& variants) {
  std::string path;
  for (const ContentCoding coding : sidecars_of(place)) {
    make_sibling_path(path, place.path, coding);
    auto opened = co_await cache_.open(place.root, place.root_index, path.c_str());
    if (opened) {
      variants.add(coding, std::move(*opened));
    }
  }
}

void FileAnswers::plan(const Request& request, const FilePlace& place, Variants variants,
                       Response& response) const {
  const auto coding = variants.choose(request);
  files::SharedFile& file = variants.file(coding);
  const std::string_view coding_name = coding ? http::coding_name(*coding) : std::string_view();
  const bool may_be_kept = may_be_as_before(request, place);
  const std::uint64_t head_for = head_id(place, coding, variants.has_siblings());
  if (may_be_kept && file->head.rendered_for == head_for) {
    answer_as_before(std::move(file), coding_name, response);
    return;
  }
  const FileStatus& status = file->status;
  const Representation representation{
      .version = {modified(status), status.size_bytes, status.inode},
      .content_type = place.rules.content_type(name_in(place.path), response.content_type_text),
      .content_encoding = coding_name,
      .varies_by_encoding = variants.has_siblings()};
  plan_file(request.head, representation, request.now, limits_.ranges, response);
  if (!carries_content(response) && response.status != Status::not_modified) {
    return;
  }
  if (!place.rules.headers().empty()) {
    const http::HeaderRules& headers = place.rules.headers();
    response.header_rules = &headers;
    response.header_lines = headers.select(place.path);
    if (response.status == Status::not_modified) {
      response.header_lines = headers.without_content_metadata(response.header_lines);
    }
  }
  if (carries_content(response)) {
    if (may_be_kept) {
      keep_head(request, head_for, *file, response);
    }
    response.file = std::move(file);
  }
  if (response.multipart) {
    if (const auto boundary = Boundary::draw(); boundary) {
      response.multipart->set_boundary(boundary->text());
      response.content_type_text = response.multipart->content_type();
      response.content_type = response.content_type_text;
    } else {
      response.multipart.reset();
      response.status = Status::ok;
      response.content_length = response.complete_length;
    }
  }
}

// From the second time on that the same open file is answered with, so that one that is asked for
// once pays nothing for it. Not while its date may change from one answer to the next.
void FileAnswers::keep_head(const Request& request, std::uint64_t head_for,
                            const files::OpenFile& file, const Response& response) {
  const bool is_repeated = std::exchange(file.head.was_needed, true);
  const bool is_settled =
      !response.validators->etag || response.validators->last_modified_is_strong;
  if (!is_repeated || !is_settled || request.head.version != http::Version::http_1_1) {
    return;
  }
  std::array<char, kLongestKeptHead> room;
  if (const auto head =
          render_head(response, request.head, true, http::DateLine(request.now.seconds), room)) {
    file.head.text = http::RenderedHead(*head);
    file.head.rendered_for = head_for;
  }
}

void FileAnswers::count(const Response& response, std::uint32_t stale_siblings) noexcept {
  metrics_.stale_sidecars.add(stale_siblings);
  if (response.content_encoding.empty()) {
    return;
  }
  for (std::size_t i = 0; i < http::kContentCodingCount; ++i) {
    if (response.content_encoding == http::coding_name(static_cast<ContentCoding>(i))) {
      metrics_.encoded[i].add();
    }
  }
}

bool FileAnswers::try_answer(const Request& request, const FilePlace& place, files::SharedFile file,
                             Response& response) {
  // The path of nearly all requests.
  if (!place.rules.has_sidecars() && file->head.rendered_for == head_id(place, {}, false) &&
      may_be_as_before(request, place)) {
    answer_as_before(std::move(file), {}, response);
    return true;
  }
  Variants variants(std::move(file));
  if (!try_find_siblings(place, variants)) {
    return false;
  }
  const std::uint32_t stale_siblings = variants.stale_siblings();
  plan(request, place, std::move(variants), response);
  if (place.rules.sends_digests()) {
    const http::WantedDigests wanted = digests_to_send(request, response);
    if (wanted.any() && response.file->status.size_bytes > limits_.digest_file) {
      metrics_.digests_omitted.add();
    } else if (wanted.any()) {
      const http::Sha256Digest* digest = digests_.find(response.file->status);
      if (digest == nullptr) {
        return false;
      }
      metrics_.digests_found.add();
      add_digest(wanted, *digest, response);
    }
  }
  count(response, stale_siblings);
  return true;
}

sluice::Task<void> FileAnswers::answer(const Request& request, const FilePlace& place,
                                       files::SharedFile file, Response& response) {
  Variants variants(std::move(file));
  co_await find_siblings(place, variants);
  const std::uint32_t stale_siblings = variants.stale_siblings();
  plan(request, place, std::move(variants), response);
  count(response, stale_siblings);
  if (!place.rules.sends_digests()) {
    co_return;
  }
  const http::WantedDigests wanted = digests_to_send(request, response);
  if (!wanted.any()) {
    co_return;
  }
  std::optional<http::Sha256Digest> digest;
  if (response.file->status.size_bytes <= limits_.digest_file) {
    if (const http::Sha256Digest* known = digests_.find(response.file->status); known != nullptr) {
      metrics_.digests_found.add();
      digest = *known;
    } else {
      digest = co_await digests_.compute(response.file, request.now);
    }
  }
  if (digest) {
    add_digest(wanted, *digest, response);
  } else {
    metrics_.digests_omitted.add();
  }
}

}  // namespace sluiced::serve
