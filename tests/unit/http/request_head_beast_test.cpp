// Boost.Beast as a second opinion. Its grammar is looser than ours, so whatever we accept it has to
// accept too, and to read in the same way: same method, target and fields, same end of the head.
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <gtest/gtest.h>

#include "http/characters.hpp"
#include "request_text.hpp"

namespace sluiced::http {
namespace {

namespace beast = boost::beast;

struct Reading {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields;

  friend bool operator==(const Reading&, const Reading&) = default;
};

class BeastParser : public beast::http::basic_parser<true> {
 public:
  Reading reading;

 private:
  using Text = beast::string_view;
  using Error = beast::error_code;
  using Size = boost::optional<std::uint64_t>;

  void on_request_impl(beast::http::verb, Text method, Text target, int, Error& error) override {
    reading.method = std::string(method);
    reading.target = std::string(target);
    error = {};
  }
  void on_field_impl(beast::http::field, Text name, Text value, Error& error) override {
    reading.fields.emplace_back(std::string(name), std::string(value));
    error = {};
  }
  void on_response_impl(int, Text, int, Error& error) override { error = {}; }
  void on_header_impl(Error& error) override { error = {}; }
  void on_body_init_impl(const Size&, Error& error) override { error = {}; }
  std::size_t on_body_impl(Text body, Error& error) override {
    error = {};
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, Text, Error& error) override { error = {}; }
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, Error& error) override {
    error = {};
    return body.size();
  }
  void on_finish_impl(Error& error) override { error = {}; }
};

/// What Beast makes of `text`, or nothing if it refuses it or finds its end elsewhere.
std::optional<Reading> read_with_beast(std::string_view text) {
  BeastParser parser;
  parser.eager(false);
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());
  beast::error_code error;
  std::size_t consumed = 0;
  // Without eager(), put() may stop behind the request line.
  while (!error && !parser.is_header_done() && consumed < text.size()) {
    consumed +=
        parser.put(boost::asio::buffer(text.data() + consumed, text.size() - consumed), error);
  }
  if (error || !parser.is_header_done() || consumed != text.size()) return std::nullopt;
  return parser.reading;
}

Reading read_with_ours(const RequestHead& head) {
  Reading reading{std::string(head.method_text), std::string(head.target), {}};
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    const FieldLine line = head.fields.line(i);
    reading.fields.emplace_back(std::string(line.name), std::string(line.value));
  }
  return reading;
}

/// Differences that are meant: we serve HTTP/1.2 as 1.1, we skip one empty line, and Beast wants
/// the members of Connection to be tokens, where we only look for two of them.
bool is_comparable(const RequestHead& head, std::string_view text) {
  bool has_odd_list = head.fields.has(KnownField::connection);
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    has_odd_list |= equals_ignoring_case(head.fields.line(i).name, "proxy-connection");
  }
  const bool is_known_version = text.find(" HTTP/1.1\r\n") != std::string_view::npos ||
                                text.find(" HTTP/1.0\r\n") != std::string_view::npos;
  return is_known_version && !has_odd_list && !text.starts_with('\r');
}

constexpr std::array<std::string_view, 6> kSeeds = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /a/b?c=d HTTP/1.0\r\nA: b\r\nContent-Length: 5\r\n\r\n",
    "PUT http://h:80/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nX-Long: some \t value, \"quoted\"\r\n\r\n",
    "POST /%41 HTTP/1.1\r\nhost:x\r\nExpect: 100-continue\r\ncontent-length:\t7 \r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: x\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n",
};
// What parsers stumble over, mixed into the seeds.
constexpr std::array<std::string_view, 16> kPieces = {
    "\r\n", "\n",   "\r",   " ",        "\t", ":",       ": ",          "\r\n ",
    ",",    "\x7f", "\xff", "HTTP/1.1", "0",  "chunked", "Host: a\r\n", "Content-Length: 5\r\n"};

TEST(RequestHeadAgainstBeast, WhateverWeAcceptBeastReadsTheSame) {
  std::mt19937 random(20261122);
  const auto below = [&random](std::size_t limit) { return random() % limit; };
  std::size_t accepted = 0;
  for (int round = 0; round < 40'000; ++round) {
    std::string text(kSeeds[below(kSeeds.size())]);
    for (std::size_t changes = below(4); changes > 0; --changes) {
      const std::size_t at = below(text.size() + 1);
      switch (below(4)) {
        case 0:
          text.insert(at, kPieces[below(kPieces.size())]);
          break;
        case 1:
          text.erase(at, below(4));
          break;
        case 2:
          text.insert(at, 1, static_cast<char>(below(256)));
          break;
        default:
          if (at < text.size()) text[at] = static_cast<char>(below(256));
      }
    }
    const testing::ParsedRequest request(text);
    if (request.verdict() != "accepted" || !is_comparable(request.head(), text)) continue;
    ++accepted;
    const auto reading = read_with_beast(std::string_view(text).substr(0, request.length()));
    ASSERT_TRUE(reading) << ::testing::PrintToString(text);
    ASSERT_EQ(*reading, read_with_ours(request.head())) << ::testing::PrintToString(text);
  }
  EXPECT_GT(accepted, 5'000U);
}

}  // namespace
}  // namespace sluiced::http
