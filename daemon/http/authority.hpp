// The authority of a request: the host and port that Host, or an absolute-form target, names.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluiced::http {

/// Views into the text that was parsed. `host` keeps the brackets of an IPv6 literal and the case
/// it was written in; `port` is empty when none was given, or only the colon.
struct Authority {
  std::string_view host;
  std::optional<std::uint16_t> port;
};

/// Parses host [":" port] (RFC 3986 section 3.2, RFC 9110 section 7.2), or nothing if `text` is not
/// that. Stricter than the grammar where the grammar only helps an attacker:
/// - no user information, no percent-encoding, no comma (two Host fields that a proxy joined);
/// - no empty host and no empty label, but one trailing dot;
/// - a host whose last label is a number (017700000001, 0x7f.1, 127.01.0.1) has to be an IPv4
///   address in its one canonical form, as the URL standard of browsers demands;
/// - an IPv6 literal is a whole address without zone; IPvFuture is refused;
/// - 255 bytes of host, port up to 65535.
std::optional<Authority> parse_authority(std::string_view text);

/// Whether both name the same server: hosts compared without regard to ASCII case, an absent port
/// taken for `default_port`.
bool same_authority(const Authority& left, const Authority& right, std::uint16_t default_port);

}  // namespace sluiced::http
