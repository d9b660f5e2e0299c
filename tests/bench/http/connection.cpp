#include "connection.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kMore:
      return "more";
    case Outcome::kComplete:
      return "complete";
    case Outcome::kEnded:
      return "ended";
    case Outcome::kShort:
      return "short";
    case Outcome::kReset:
      return "reset";
    case Outcome::kStatus:
      return "status";
    case Outcome::kLength:
      return "length";
    case Outcome::kNotHttp:
      return "not_http";
    case Outcome::kUnexpected:
      return "unexpected";
  }
  return "unknown";
}

Connection::Connection(unsigned port, std::size_t buffer_bytes, bool ranges,
                       std::uint64_t body_length)
    : port_(port),
      right_status_(ranges ? "HTTP/1.1 206 " : "HTTP/1.1 200 "),
      body_length_(body_length),
      buffer_(buffer_bytes) {}

Connection::~Connection() { close(); }

int Connection::connect() {
  close();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  // On the loopback the kernel answers at once: there is nothing to wait for.
  if (fd_ < 0 || ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) {
    return errno;
  }
  return 0;
}

void Connection::close() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
  fd_ = -1;
  filled_ = 0;
  body_left_ = 0;
  outstanding_ = 0;
}

int Connection::ask(std::string_view requests, unsigned responses, std::uint64_t began_ns) {
  began_ns_ = began_ns;
  outstanding_ = responses;
  // There is room for it: nothing else is under way.
  const ssize_t count = ::send(fd_, requests.data(), requests.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0) {
    return errno;
  }
  return static_cast<std::size_t>(count) == requests.size() ? 0 : EMSGSIZE;
}

Outcome Connection::receive(Received& received) {
  // TCP drops the bytes instead of copying them (tcp(7), MSG_TRUNC). The last ones go to the buffer
  // in the same call as what follows them.
  const bool drop = body_left_ > buffer_.size();
  const ssize_t count =
      drop ? ::recv(fd_, nullptr, body_left_, MSG_TRUNC | MSG_DONTWAIT)
           : ::recv(fd_, buffer_.data() + filled_, buffer_.size() - filled_, MSG_DONTWAIT);
  if (count < 0) {
    return errno == EAGAIN || errno == EINTR ? Outcome::kMore : Outcome::kReset;
  }
  if (count == 0) {
    return body_left_ > 0 || filled_ > 0 ? Outcome::kShort : Outcome::kEnded;
  }
  if (drop) {
    count_body(static_cast<std::uint64_t>(count), received);
    return outstanding_ == 0 ? Outcome::kComplete : Outcome::kMore;
  }
  filled_ += static_cast<std::size_t>(count);
  return parse(received);
}

void Connection::count_body(std::uint64_t bytes, Received& received) {
  received.body_bytes += bytes;
  body_left_ -= bytes;
  if (body_left_ == 0) {
    --outstanding_;
    ++received.responses;
  }
}

Outcome Connection::parse(Received& received) {
  std::size_t begin = 0;
  while (begin < filled_) {
    if (body_left_ > 0) {
      const std::uint64_t here = std::min<std::uint64_t>(body_left_, filled_ - begin);
      count_body(here, received);
      begin += here;
      continue;
    }
    if (outstanding_ == 0) {
      return Outcome::kUnexpected;
    }
    const char* const from = buffer_.data() + begin;
    const void* const end = ::memmem(from, filled_ - begin, "\r\n\r\n", 4);
    if (end == nullptr) {
      break;
    }
    const auto length = static_cast<std::size_t>(static_cast<const char*>(end) - from) + 4;
    const Outcome outcome = take_head({from, length});
    if (outcome != Outcome::kMore) {
      return outcome;
    }
    begin += length;
    if (body_left_ == 0) {
      count_body(0, received);
    }
  }
  // The beginning of a head stays, at the front.
  std::memmove(buffer_.data(), buffer_.data() + begin, filled_ - begin);
  filled_ -= begin;
  if (filled_ == buffer_.size()) {
    return Outcome::kNotHttp;
  }
  return outstanding_ == 0 ? Outcome::kComplete : Outcome::kMore;
}

Outcome Connection::take_head(std::string_view head) {
  if (!head.starts_with(right_status_)) {
    wrong_status_ = head.substr(0, head.find('\r'));
    return head.starts_with("HTTP/1.1 ") ? Outcome::kStatus : Outcome::kNotHttp;
  }
  constexpr std::string_view kField = "content-length:";
  for (std::size_t line = head.find("\r\n"); line + 4 < head.size();
       line = head.find("\r\n", line + 2)) {
    const std::string_view field = head.substr(line + 2);
    if (field.size() < kField.size() ||
        ::strncasecmp(field.data(), kField.data(), kField.size()) != 0) {
      continue;
    }
    const char* value = field.data() + kField.size();
    value += *value == ' ' ? 1 : 0;
    const auto [end, error] = std::from_chars(value, head.data() + head.size(), body_left_);
    if (error != std::errc{} || *end != '\r') {
      return Outcome::kNotHttp;
    }
    return body_length_ == 0 || body_left_ == body_length_ ? Outcome::kMore : Outcome::kLength;
  }
  return Outcome::kNotHttp;
}
