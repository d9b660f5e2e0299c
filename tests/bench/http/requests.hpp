#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "options.hpp"

// What is asked for next.
class Requests {
 public:
  explicit Requests(const Options& options);
  ~Requests();
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;

  /// True when every path has been asked for once, and that was to be.
  [[nodiscard]] bool used_up() const { return once_ && next_ == paths_.size(); }

  /// The next request on the connection with this number, or the next --depth of them in one piece.
  /// It stands until the next call.
  std::string_view next(std::size_t connection);

 private:
  void append(std::string_view path);
  void evict(std::size_t file);

  const std::vector<std::string>& paths_;
  std::size_t connections_;
  unsigned depth_;
  bool once_;
  bool close_;
  std::uint64_t length_;
  std::uint64_t range_length_;
  std::vector<int> files_;  // of --evict, in the order of the paths
  std::size_t next_ = 0;
  std::uint64_t random_ = 0x9e3779b97f4a7c15U;
  std::string text_;
  bool fixed_;  // text_ is right for every call
};
