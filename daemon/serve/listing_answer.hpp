#pragma once

#include <cstddef>

#include <sluice/blocking_pool.hpp>
#include <sluice/task.hpp>

#include "http/listing.hpp"
#include "http/request_head.hpp"
#include "serve/directory_place.hpp"
#include "serve/response.hpp"

namespace sluiced::serve {

struct ListingContext {
  sluice::BlockingPool& blocking_pool;
  std::size_t most_sorted;  // entries
};

/// Answers with the listing of a directory, in the format that the query or Accept asks for.
///
/// NDJSON and text without an order are made while they are sent, of a directory of any size. What
/// is sorted has to be read whole first, up to `most_sorted` entries, and is then made while it is
/// sent. The directory is read in small pieces on the blocking pool, so that one of any size holds
/// up nobody.
///
/// `facts.query` is what is asked for, and `facts.path` must stay valid until the response has been
/// sent. The rest of the facts is found here.
[[nodiscard]] sluice::Task<void> answer_listing(ListingContext context,
                                                const http::RequestHead& request,
                                                DirectoryPlace place, http::ListingFacts facts,
                                                Response& response);

}  // namespace sluiced::serve
