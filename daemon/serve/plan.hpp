#pragma once

#include <string_view>

#include "http/entity_tag.hpp"
#include "http/request_head.hpp"
#include "serve/response.hpp"

namespace sluiced::serve {

/// What of a file answers a GET or HEAD: evaluates the preconditions, then the range, and fills in
/// status, validators, lengths and the place of the content. Pure; `now` is the wall clock.
/// `content_type` must outlive the response.
///
/// Of several ranges that do not join into one the whole file is sent: RFC 9110 section 14.2 lets a
/// server ignore Range.
void plan_file(const http::RequestHead& request, const http::FileVersion& version,
               http::FileTime now, std::string_view content_type, Response& response);

}  // namespace sluiced::serve
