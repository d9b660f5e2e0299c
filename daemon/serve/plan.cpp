#include "serve/plan.hpp"

#include <memory>

#include "http/conditions.hpp"
#include "http/range.hpp"

namespace sluiced::serve {

using http::Status;

namespace {

// 206, 416, or what there is already: 200 with all of it.
void plan_ranges(const http::RangeSelection& selection, Response& response) {
  if (selection.kind() == http::RangeSelection::Kind::unsatisfiable) {
    response.set_page(Status::range_not_satisfiable);
    response.accepts_ranges = true;
    return;
  }
  if (const auto range = selection.single(); range) {
    response.status = Status::partial_content;
    response.range = *range;
    response.file_offset = range->first;
    response.content_length = range->size();
  } else if (!selection.ranges().empty() && response.content_encoding.empty()) {
    response.status = Status::partial_content;
    response.multipart = std::make_unique<http::MultipartRanges>(
        selection.ranges(), response.content_type, response.complete_length);
    response.content_length = response.multipart->content_length();
  }
}

}  // namespace

void plan_file(const http::RequestHead& request, const Representation& representation,
               http::FileTime now, std::size_t most_ranges, Response& response) {
  const http::Validators validators = http::make_validators(representation.version, now);
  response.varies_by_encoding = representation.varies_by_encoding;
  switch (http::evaluate_preconditions(request.method, request.fields, &validators, now.seconds)) {
    case http::PreconditionResult::not_modified:
      response.status = Status::not_modified;
      response.validators = validators;
      return;
    case http::PreconditionResult::precondition_failed:
      response.set_page(Status::precondition_failed);
      return;
    case http::PreconditionResult::proceed:
      break;
  }
  response.content_type = representation.content_type;
  response.content_encoding = representation.content_encoding;
  response.validators = validators;
  response.accepts_ranges = true;
  response.complete_length = representation.version.size;
  response.content_length = representation.version.size;
  if (http::range_applies(request.method, request.fields, validators, now.seconds)) {
    plan_ranges(http::select_ranges(*request.fields.single(http::KnownField::range),
                                    representation.version.size, most_ranges),
                response);
  }
}

}  // namespace sluiced::serve
