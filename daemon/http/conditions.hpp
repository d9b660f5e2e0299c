// Conditional requests: what the preconditions of a request come to (RFC 9110 section 13).
#pragma once

#include <cstdint>

#include "http/entity_tag.hpp"
#include "http/field_table.hpp"
#include "http/method.hpp"

namespace sluiced::http {

enum class PreconditionResult : std::uint8_t {
  proceed,              // perform the method
  not_modified,         // 304
  precondition_failed,  // 412
};

/// Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of
/// precedence of section 13.2.2. `current` tells of the selected representation, and is null where
/// there is none yet. `now` settles two-digit years only.
///
/// Ask only when the answer without the preconditions would be 2xx (section 13.2.1): 404, 405 and
/// redirects go first. A condition that cannot be read is ignored where section 13.1 says so
/// (dates, and If-None-Match of GET and HEAD) and fails where ignoring it could lose an update.
PreconditionResult evaluate_preconditions(Method method, const FieldTable& fields,
                                          const Validators* current, UnixSeconds now);

/// Whether the Range of the request is to be looked at: GET only, Range there exactly once, and
/// If-Range, if there is one, naming `current` by a strong tag or its exact strong date.
///
/// HEAD with Range is answered like HEAD without: section 14.2 defines ranges for GET alone and
/// demands that Range be ignored with other methods, which goes before the wish of section 9.3.2
/// that HEAD be answered with the fields of the GET. So HEAD tells what the whole would be.
bool range_applies(Method method, const FieldTable& fields, const Validators& current,
                   UnixSeconds now);

}  // namespace sluiced::http
