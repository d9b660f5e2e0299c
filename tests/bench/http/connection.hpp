#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What has been received, of all connections.
struct Received {
  std::uint64_t body_bytes = 0;
  std::uint64_t responses = 0;
};

// What an event on a connection has led to.
enum class Outcome {
  kMore,        // the responses are not complete
  kComplete,    // all of them are
  kEnded,       // the server has closed the connection, with no response under way
  kShort,       // it has closed it within a response
  kReset,       // the connection has failed
  kStatus,      // a response has another status than what is right for the request
  kLength,      // a body has another length
  kNotHttp,     // the head makes no sense, is too long, or does not tell the length
  kUnexpected,  // more has come than was asked for
};

[[nodiscard]] const char* name_of(Outcome outcome);

// A connection to the server, and where in its responses it stands. Bodies are thrown away within
// the kernel.
class Connection {
 public:
  Connection(unsigned port, std::size_t buffer_bytes, bool ranges, std::uint64_t body_length);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Connects anew. Returns an error number, or 0.
  [[nodiscard]] int connect();
  void close();
  [[nodiscard]] int fd() const { return fd_; }

  /// Sends all of it, which asks for so many responses. Returns an error number, or 0.
  [[nodiscard]] int ask(std::string_view requests, unsigned responses, std::uint64_t began_ns);

  /// Takes what is there, once.
  [[nodiscard]] Outcome receive(Received& received);

  /// The status of the response that had the wrong one; empty without such a response.
  [[nodiscard]] const std::string& wrong_status() const { return wrong_status_; }

  [[nodiscard]] bool waits() const { return outstanding_ > 0; }
  /// True when nothing has come of the responses to what was asked last, or when all has.
  [[nodiscard]] bool between_responses(unsigned asked) const {
    return body_left_ == 0 && filled_ == 0 && (outstanding_ == 0 || outstanding_ == asked);
  }
  [[nodiscard]] std::uint64_t began_ns() const { return began_ns_; }

 private:
  [[nodiscard]] Outcome parse(Received& received);
  [[nodiscard]] Outcome take_head(std::string_view head);
  void count_body(std::uint64_t bytes, Received& received);

  int fd_ = -1;
  unsigned port_;
  std::string_view right_status_;
  std::uint64_t body_length_;  // of every response; 0: not known
  std::string wrong_status_;
  std::vector<char> buffer_;
  std::size_t filled_ = 0;  // of the buffer
  std::uint64_t body_left_ = 0;
  unsigned outstanding_ = 0;
  std::uint64_t began_ns_ = 0;
};
