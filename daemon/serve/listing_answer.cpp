#include "serve/listing_answer.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "files/directory_reader.hpp"
#include "http/accept.hpp"
#include "http/listing_page.hpp"
#include "serve/file_status.hpp"

namespace sluiced::serve {
namespace {

using files::DirectoryEntry;
using http::ListingFormat;
using http::ListingSort;

// What is looked at in one go on a thread of the pool: about a millisecond.
constexpr std::size_t kNamesAtATime = 512;
// A piece of a listing as it is sent; one that is not longer as a whole has a Content-Length.
constexpr std::size_t kPieceBytes = std::size_t{32} * 1024;

http::ListingEntry row_of(const DirectoryEntry& entry) noexcept {
  return {entry.name, entry.is_directory, entry.size_bytes, entry.modified_s};
}

/// A listing whose first piece is made before the head is sent: an error still has its status then,
/// and a short listing its length.
class ListingSource : public BodySource {
 public:
  ListingSource(ListingFormat format, const http::ListingFacts& facts)
      : format_(format), facts_(facts) {}

  [[nodiscard]] sluice::Task<sluice::Result<void>> begin() {
    http::append_listing_start(piece_, format_, facts_);
    co_return co_await fill();
  }
  [[nodiscard]] bool is_complete() const noexcept { return is_complete_; }
  [[nodiscard]] std::string take_piece() noexcept { return std::move(piece_); }

  sluice::Task<sluice::Result<std::string_view>> next() final {
    if (!std::exchange(is_first_taken_, true)) {
      co_return std::string_view(piece_);
    }
    piece_.clear();
    if (!is_complete_) {
      if (const auto filled = co_await fill(); !filled) {
        co_return std::unexpected(filled.error());
      }
    }
    co_return std::string_view(piece_);
  }

 protected:
  /// Adds rows until there is a piece, or none is left.
  [[nodiscard]] virtual sluice::Task<sluice::Result<void>> fill() = 0;

  [[nodiscard]] bool is_full() const noexcept { return piece_.size() >= kPieceBytes; }
  void add(const DirectoryEntry& entry) {
    http::append_listing_row(piece_, format_, row_of(entry), !std::exchange(has_rows_, true));
  }
  void end() {
    http::append_listing_end(piece_, format_, facts_);
    is_complete_ = true;
  }
  [[nodiscard]] const http::ListingFacts& facts() const noexcept { return facts_; }

 private:
  ListingFormat format_;
  http::ListingFacts facts_;
  std::string piece_;
  bool is_first_taken_ = false;
  bool has_rows_ = false;
  bool is_complete_ = false;
};

/// Of entries that have been read and sorted.
class SortedListing final : public ListingSource {
 public:
  SortedListing(ListingFormat format, const http::ListingFacts& facts,
                std::vector<DirectoryEntry> entries)
      : ListingSource(format, facts), entries_(std::move(entries)) {
    next_ = std::min<std::uint64_t>(facts.query.offset, entries_.size());
    const std::size_t left = entries_.size() - next_;
    end_ = next_ + std::min<std::uint64_t>(facts.query.limit.value_or(left), left);
  }

 private:
  sluice::Task<sluice::Result<void>> fill() override {
    while (next_ < end_ && !is_full()) {
      add(entries_[next_++]);
    }
    if (next_ == end_) {
      end();
    }
    co_return sluice::Result<void>();
  }

  std::vector<DirectoryEntry> entries_;
  std::size_t next_ = 0;
  std::size_t end_ = 0;
};

/// In the order of the directory, each entry as it is read.
class UnsortedListing final : public ListingSource {
 public:
  UnsortedListing(ListingFormat format, const http::ListingFacts& facts,
                  sluice::BlockingPool& blocking_pool, DirectoryPlace place,
                  files::DirectoryReader reader)
      : ListingSource(format, facts),
        blocking_pool_(blocking_pool),
        place_(std::move(place)),
        reader_(std::move(reader)),
        to_skip_(facts.query.offset),
        left_(facts.query.limit) {}

 private:
  sluice::Task<sluice::Result<void>> fill() override {
    while (!is_complete() && !is_full()) {
      const auto read =
          co_await blocking_pool_.run([this]() -> sluice::Result<void> { return read_more(); });
      if (!read || !*read) {
        co_return std::unexpected(read ? read->error() : read.error());
      }
    }
    co_return sluice::Result<void>();
  }

  sluice::Result<void> read_more() {
    entries_.clear();
    const auto more = reader_.read(kNamesAtATime, entries_);
    if (!more) {
      return std::unexpected(more.error());
    }
    for (const DirectoryEntry& entry : entries_) {
      if (to_skip_ > 0) {
        --to_skip_;
      } else if (left_ != 0) {
        left_ = left_ ? std::optional(*left_ - 1) : left_;
        add(entry);
      }
    }
    if (!*more || left_ == 0) {
      end();
    }
    return {};
  }

  sluice::BlockingPool& blocking_pool_;
  DirectoryPlace place_;
  files::DirectoryReader reader_;
  std::vector<DirectoryEntry> entries_;
  std::uint64_t to_skip_;
  std::optional<std::uint64_t> left_;  // nothing: no limit
};

// Directories first whatever the order is, and names decide between what is equal.
void sort_entries(std::vector<DirectoryEntry>& entries, ListingSort sort, bool descending) {
  const auto is_less = [sort](const DirectoryEntry& one, const DirectoryEntry& other) {
    if (sort == ListingSort::size && !one.is_directory && one.size_bytes != other.size_bytes) {
      return one.size_bytes < other.size_bytes;
    }
    if (sort == ListingSort::time && one.modified_s != other.modified_s) {
      return one.modified_s < other.modified_s;
    }
    return one.name < other.name;
  };
  std::ranges::sort(entries, [&](const DirectoryEntry& one, const DirectoryEntry& other) {
    if (one.is_directory != other.is_directory) {
      return one.is_directory;
    }
    return descending ? is_less(other, one) : is_less(one, other);
  });
}

void count(const std::vector<DirectoryEntry>& entries, http::ListingFacts& facts) noexcept {
  for (const DirectoryEntry& entry : entries) {
    ++(entry.is_directory ? facts.directories : facts.files);
    facts.bytes += entry.is_directory ? 0 : entry.size_bytes;
  }
}

/// Reads all entries, or as many as may be sorted, and sorts them.
sluice::Task<sluice::Result<std::vector<DirectoryEntry>>> read_sorted(
    ListingContext context, files::DirectoryReader& reader, http::ListingFacts& facts) {
  std::vector<DirectoryEntry> entries;
  bool has_more = true;
  while (has_more && entries.size() <= context.most_sorted) {
    const auto more = co_await context.blocking_pool.run(
        [&reader, &entries] { return reader.read(kNamesAtATime, entries); });
    if (!more || !*more) {
      co_return std::unexpected(more ? more->error() : more.error());
    }
    has_more = **more;
  }
  if (entries.size() > context.most_sorted) {
    entries.resize(context.most_sorted);
    facts.is_complete = false;
  }
  const auto sorted = co_await context.blocking_pool.run([&entries, &facts] {
    sort_entries(entries, facts.query.sort.value_or(ListingSort::name), facts.query.descending);
    count(entries, facts);
    return true;
  });
  if (!sorted) {
    co_return std::unexpected(sorted.error());
  }
  co_return entries;
}

bool can_stream(ListingFormat format, const http::ListingQuery& query) noexcept {
  return !query.sort && (format == ListingFormat::ndjson || format == ListingFormat::text);
}

sluice::Task<sluice::Result<std::unique_ptr<ListingSource>>> make_listing(
    ListingContext context, ListingFormat format, DirectoryPlace place, http::ListingFacts facts) {
  auto reader = co_await context.blocking_pool.run([&place] {
    return files::DirectoryReader::open(*place.root, place.path, place.directory->file,
                                        place.with_hidden);
  });
  if (!reader || !*reader) {
    co_return std::unexpected(reader ? reader->error() : reader.error());
  }
  std::unique_ptr<ListingSource> listing;
  if (can_stream(format, facts.query)) {
    listing = std::make_unique<UnsortedListing>(format, facts, context.blocking_pool,
                                                std::move(place), std::move(**reader));
  } else {
    auto entries = co_await read_sorted(context, **reader, facts);
    if (!entries) {
      co_return std::unexpected(entries.error());
    }
    listing = std::make_unique<SortedListing>(format, facts, std::move(*entries));
  }
  if (const auto begun = co_await listing->begin(); !begun) {
    co_return std::unexpected(begun.error());
  }
  co_return listing;
}

}  // namespace

sluice::Task<void> answer_listing(ListingContext context, const http::RequestHead& request,
                                  DirectoryPlace place, http::ListingFacts facts,
                                  Response& response) {
  const auto format = facts.query.format.value_or(static_cast<ListingFormat>(
      http::preferred_media_type(request.fields, http::kListingMediaTypes).value_or(0)));
  auto listing = co_await make_listing(context, format, std::move(place), facts);
  if (!listing) {
    response.set_page(status_of(listing.error()));
    co_return;
  }
  response.content_type = http::listing_content_type(format);
  if ((*listing)->is_complete()) {
    response.set_text(response.content_type, (*listing)->take_piece());
  } else {
    response.is_streamed = true;
    response.source = std::move(*listing);
  }
  response.security_policy = http::kListingSecurityPolicy;
  response.cache_control = "no-cache";
  response.varies_by_accept = !facts.query.format;
}

}  // namespace sluiced::serve
