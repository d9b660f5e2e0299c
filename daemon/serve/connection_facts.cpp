// What the connections of a server are doing, for people who ask.
#include "serve/connection_facts.hpp"

#include <algorithm>
#include <ranges>

#include "http/method.hpp"
#include "serve/server.hpp"
#include "text/printable.hpp"

namespace sluiced::serve {
namespace {

// As it is, but not longer than anybody reads.
std::string path_fact(std::string_view path) {
  std::string fact(text::clipped(path, kLongestPathFact));
  if (path.size() > kLongestPathFact) {
    fact += "...";
  }
  return fact;
}

}  // namespace

ConnectionFacts Connection::facts() const {
  ConnectionFacts facts;
  const sluice::TimePoint now = server_.executor.now();
  facts.state = state_;
  facts.age = now - accepted_at_;
  facts.in_state = now - in_state_since_;
  facts.peer = place_.peer().kind() == PeerAddress::Kind::unix_socket
                   ? PeerAddress::of(socket_.fd())
                   : place_.peer();
  facts.requests = requests_;
  facts.listener = listener_.name;
  if (!exchange_ || (state_ != State::request && state_ != State::response)) {
    return facts;
  }
  // The texts of the head are not looked at: of what was no request they mean nothing.
  const Response& response = exchange_->response;
  facts.method = http::method_name(exchange_->head.method);
  facts.site = response.site;
  facts.path = path_fact(response.path);
  if (state_ == State::response) {
    const bool head_only = exchange_->head.method == http::Method::head;
    facts.bytes_sent = exchange_->content_sent;
    if (head_only || !response.is_streamed) {
      facts.bytes_total = head_only ? 0 : response.content_length;
    }
  }
  return facts;
}

ActiveConnections Server::active_connections(std::size_t most) {
  std::vector<const Connection*> active;
  connections_.for_each([&active](const Connection& connection) {
    if (connection.is_active()) {
      active.push_back(&connection);
    }
  });
  // The evictor turns the list around, so that its order says nothing.
  const std::size_t count = std::min(most, active.size());
  std::ranges::partial_sort(active, active.begin() + static_cast<std::ptrdiff_t>(count), {},
                            &Connection::accepted_at);
  ActiveConnections told;
  told.total = active.size();
  told.oldest.reserve(count);
  for (const Connection* connection : active | std::views::take(count)) {
    told.oldest.push_back(connection->facts());
  }
  return told;
}

}  // namespace sluiced::serve
