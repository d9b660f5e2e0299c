// What only a whole head can decide: the target's form, the host, the body's framing, persistence.
#pragma once

#include <optional>

#include "http/protocol_error.hpp"
#include "http/request_head.hpp"

namespace sluiced::http {

/// Fills in the members of `head` that follow from method, version, target and fields: form,
/// resource, authority, content_length, chunked, expect_continue and keep_alive. Called by the
/// parser, once for each head. Returns what is wrong, if anything is.
std::optional<ProtocolError> decide_framing(RequestHead& head);

}  // namespace sluiced::http
