#include "http/conditions.hpp"

#include <optional>
#include <string_view>

namespace sluiced::http {
namespace {

constexpr std::optional<EntityTag> kNoTag;

/// The date in `field`. Nothing if it is absent, repeated or no date: then the field is ignored.
std::optional<UnixSeconds> date_of(const FieldTable& fields, KnownField field, UnixSeconds now) {
  const auto value = fields.single(field);
  return value ? parse_http_date(*value, now) : std::nullopt;
}

/// Section 13.1.1. A list that cannot be read names no version, so the condition is false.
bool if_match_holds(const FieldTable& fields, const Validators* current) {
  if (current == nullptr) return false;
  const TagMatch match =
      find_entity_tag(fields, KnownField::if_match, current->etag, TagComparison::strong);
  return match == TagMatch::any || match == TagMatch::tag;
}

/// Section 13.1.4: ignored where there is no modification date.
bool if_unmodified_since_holds(const FieldTable& fields, const Validators* current,
                               UnixSeconds now) {
  const auto date = date_of(fields, KnownField::if_unmodified_since, now);
  if (!date || current == nullptr || !current->last_modified) return true;
  return *current->last_modified <= *date;
}

/// Section 13.1.2.
PreconditionResult evaluate_if_none_match(bool is_read, const FieldTable& fields,
                                          const Validators* current) {
  const TagMatch match =
      find_entity_tag(fields, KnownField::if_none_match,
                      current != nullptr ? current->etag : kNoTag, TagComparison::weak);
  bool holds = true;
  switch (match) {
    case TagMatch::none:
      break;
    case TagMatch::tag:
      holds = false;
      break;
    case TagMatch::any:
      holds = current == nullptr;
      break;
    case TagMatch::malformed:
      holds = is_read;
      break;
  }
  if (holds) return PreconditionResult::proceed;
  return is_read ? PreconditionResult::not_modified : PreconditionResult::precondition_failed;
}

/// Section 13.1.3.
PreconditionResult evaluate_if_modified_since(const FieldTable& fields, const Validators* current,
                                              UnixSeconds now) {
  const auto date = date_of(fields, KnownField::if_modified_since, now);
  if (!date || current == nullptr || !current->last_modified) return PreconditionResult::proceed;
  return *current->last_modified <= *date ? PreconditionResult::not_modified
                                          : PreconditionResult::proceed;
}

}  // namespace

PreconditionResult evaluate_preconditions(Method method, const FieldTable& fields,
                                          const Validators* current, UnixSeconds now) {
  const bool is_read = method == Method::get || method == Method::head;
  if (fields.has(KnownField::if_match)) {
    if (!if_match_holds(fields, current)) return PreconditionResult::precondition_failed;
  } else if (fields.has(KnownField::if_unmodified_since)) {
    if (!if_unmodified_since_holds(fields, current, now)) {
      return PreconditionResult::precondition_failed;
    }
  }
  if (fields.has(KnownField::if_none_match)) {
    return evaluate_if_none_match(is_read, fields, current);
  }
  if (is_read && fields.has(KnownField::if_modified_since)) {
    return evaluate_if_modified_since(fields, current, now);
  }
  return PreconditionResult::proceed;
}

bool range_applies(Method method, const FieldTable& fields, const Validators& current,
                   UnixSeconds now) {
  if (method != Method::get || fields.count(KnownField::range) != 1) return false;
  if (!fields.has(KnownField::if_range)) return true;
  const auto condition = fields.single(KnownField::if_range);
  if (!condition) return false;
  if (is_same_strong_tag(*condition, current.etag)) return true;
  return current.last_modified_is_strong && current.last_modified &&
         parse_http_date(*condition, now) == current.last_modified;
}

}  // namespace sluiced::http
