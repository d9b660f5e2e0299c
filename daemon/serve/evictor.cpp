#include "serve/evictor.hpp"

#include <algorithm>
#include <chrono>

namespace sluiced::serve {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostVisited = 4096;
// How fast those go who move a body costs a system call each.
constexpr std::size_t kMostSampled = 512;
constexpr std::size_t kMostCandidates = 64;
constexpr sluice::Duration kCandidatesAge = 250ms;

}  // namespace

Evictor::Evictor(const sluice::Executor& executor,
                 sluice::detail::IntrusiveList<Connection>& connections)
    : executor_(executor), connections_(connections) {
  ranked_.reserve(kMostVisited);
}

bool Evictor::evict_one(std::optional<std::size_t> listener) {
  const bool is_fresh = listener == listener_ && executor_.now() - looked_at_ <= kCandidatesAge;
  if (is_fresh && take_candidate(listener)) {
    return true;
  }
  look_around(listener);
  return take_candidate(listener);
}

bool Evictor::take_candidate(std::optional<std::size_t> listener) {
  while (Connection::Candidacy* candidacy = candidates_.pop_front()) {
    Connection& connection = candidacy->connection;
    // It may have begun something since it was looked at.
    const bool is_unchanged = connection.in_state_since() == candidacy->in_state_since;
    if (is_unchanged && (!listener || connection.listener().id == *listener) &&
        !connection.is_draining_its_buffer()) {
      connection.evict();
      return true;
    }
  }
  return false;
}

// Visits connections from the front of the list and moves them to its end, so that the next round
// begins with others.
template <class Visit>
void Evictor::visit_some(std::size_t most, Visit visit) {
  const Connection* first = nullptr;
  for (std::size_t count = 0; count < most; ++count) {
    Connection* connection = connections_.pop_front();
    if (connection == nullptr) {
      return;
    }
    connections_.push_back(*connection);
    if (first == nullptr) {
      first = connection;
    } else if (connection == first) {
      return;
    }
    visit(*connection);
  }
}

void Evictor::look_around(std::optional<std::size_t> listener) {
  while (candidates_.pop_front() != nullptr) {
  }
  ranked_.clear();
  listener_ = listener;
  looked_at_ = executor_.now();
  const auto is_meant = [&](const Connection& connection) {
    return !listener || connection.listener().id == *listener;
  };
  visit_some(kMostVisited, [&](Connection& connection) {
    const auto standing = is_meant(connection) ? connection.standing() : std::nullopt;
    if (standing) {
      ranked_.push_back({&connection, *standing});
    }
  });
  if (ranked_.empty()) {
    visit_some(kMostSampled, [&](Connection& connection) {
      const auto standing = is_meant(connection) ? connection.standing_by_rate() : std::nullopt;
      if (standing) {
        ranked_.push_back({&connection, *standing});
      }
    });
  }
  const auto kept = std::min(ranked_.size(), kMostCandidates);
  std::partial_sort(
      ranked_.begin(), ranked_.begin() + static_cast<std::ptrdiff_t>(kept), ranked_.end(),
      [](const Ranked& left, const Ranked& right) { return left.standing < right.standing; });
  for (std::size_t index = 0; index < kept; ++index) {
    candidates_.push_back(ranked_[index].connection->candidacy());
  }
}

}  // namespace sluiced::serve
