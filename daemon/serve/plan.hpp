#pragma once

#include <cstddef>
#include <string_view>

#include "http/entity_tag.hpp"
#include "http/request_head.hpp"
#include "serve/response.hpp"

namespace sluiced::serve {

/// A file as it has been selected to be sent.
struct Representation {
  http::FileVersion version;
  std::string_view content_type;      // outlives the response
  std::string_view content_encoding;  // the same; empty for none
  bool varies_by_encoding = false;
};

/// What of a file answers a GET or HEAD: evaluates the preconditions, then the range, and fills in
/// status, validators, lengths and the place of the content. Pure; `now` is the wall clock. Of
/// several ranges at most `most_ranges` are sent, as parts between which the caller has to set a
/// boundary (Response::multipart).
///
/// Several ranges of a representation with a coding are answered with all of it, as RFC 9110
/// section 14.2 allows: whether Content-Encoding would be that of the parts or of what holds them
/// together, no two clients agree on.
void plan_file(const http::RequestHead& request, const Representation& representation,
               http::FileTime now, std::size_t most_ranges, Response& response);

}  // namespace sluiced::serve
