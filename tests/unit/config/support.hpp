#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "config/diagnostic.hpp"
#include "config/load.hpp"

namespace sluiced::config::testing {

/// A directory that others may enter, removed with all that is in it at the end of a test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "sluiced-config-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("no temporary directory");
    }
    path_ = name;
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
    return path_ / name;
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& path, std::string_view content) {
  std::ofstream out(path, std::ios::binary);
  out << content;
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// What `sluiced check` would print for this text, or "ok".
inline std::string report(std::string text, Check check = Check::kText) {
  const auto config = load_text(std::move(text), "t.yaml", check);
  return config ? format(config->warnings) + "ok" : format(config.error());
}

/// The errors alone, one a line, as `line:column message`.
inline std::string brief_report(std::string text) {
  const auto config = load_text(std::move(text), "t.yaml");
  if (config) {
    return "ok";
  }
  std::string out;
  for (const Diagnostic& each : config.error()) {
    out += std::to_string(each.place.line) + ':' + std::to_string(each.place.column) + ' ' +
           each.message + '\n';
  }
  return out;
}

/// A text that is right, for tests to add one mistake to.
constexpr std::string_view kListeners = "listeners: [{name: web, address: \":8080\"}]\n";
constexpr std::string_view kSites = "sites: [{name: _default, mounts: [{path: /, root: /srv}]}]\n";

/// Two lines that make up a whole configuration, and then `more`.
inline std::string with(std::string_view more) {
  return std::string(kListeners) + std::string(kSites) + std::string(more);
}

}  // namespace sluiced::config::testing
