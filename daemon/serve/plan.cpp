#include "serve/plan.hpp"

#include "http/conditions.hpp"
#include "http/range.hpp"

namespace sluiced::serve {

using http::Status;

void plan_file(const http::RequestHead& request, const http::FileVersion& version,
               http::FileTime now, std::string_view content_type, Response& response) {
  const http::Validators validators = http::make_validators(version, now);
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
  response.content_type = content_type;
  response.validators = validators;
  response.accepts_ranges = true;
  response.complete_length = version.size;
  response.content_length = version.size;
  if (!http::range_applies(request.method, request.fields, validators, now.seconds)) {
    return;
  }
  const auto selection =
      http::select_ranges(*request.fields.single(http::KnownField::range), version.size);
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
  }
}

}  // namespace sluiced::serve
