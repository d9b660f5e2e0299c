#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <sluice/detail/intrusive_list.hpp>
#include <sluice/executor.hpp>

#include "serve/connection.hpp"

namespace sluiced::serve {

/// Chooses who gives way when there are as many connections as there may be: first those that are
/// closing anyway, then those idle between requests for longest, then those that have been without
/// a complete head for longest, then those that move a body slowest. A connection that makes
/// healthy progress, or was made a moment ago, never gives way.
///
/// Nothing is kept in order while there is room: requests pay nothing for it. At the limit the
/// connections are looked through, a few thousand at the most, and the worst are remembered for the
/// next that come; with more connections than that it is the worst of a sample that goes round.
/// Belongs to one shard.
class Evictor {
 public:
  /// All references must outlive the evictor.
  Evictor(const sluice::Executor& executor, sluice::detail::IntrusiveList<Connection>& connections);

  /// Ends one connection, of the listener with this id if one is given. False when nobody can give
  /// way.
  [[nodiscard]] bool evict_one(std::optional<std::size_t> listener);

 private:
  struct Ranked {
    Connection* connection;
    Connection::Standing standing;
  };
  [[nodiscard]] bool take_candidate(std::optional<std::size_t> listener);
  void look_around(std::optional<std::size_t> listener);
  template <class Visit>
  void visit_some(std::size_t most, Visit visit);

  const sluice::Executor& executor_;
  sluice::detail::IntrusiveList<Connection>& connections_;
  sluice::detail::IntrusiveList<Connection::Candidacy> candidates_;
  std::vector<Ranked> ranked_;
  std::optional<std::size_t> listener_;  // whose connections the candidates are
  sluice::TimePoint looked_at_{};
};

}  // namespace sluiced::serve
