#include "config/load.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "config/schema.hpp"
#include "config/source.hpp"
#include "config/validate.hpp"
#include "config/yaml_document.hpp"

namespace sluiced::config {
namespace {

/// Closes a descriptor at the end of a scope.
class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& path)
      // O_NONBLOCK: opening a pipe that nobody writes to must not hang the start.
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) {}
  ~OpenFile() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

std::string reason(int errno_value) {
  return std::error_code(errno_value, std::generic_category()).message();
}

std::string too_large() {
  return "the file is larger than " + std::to_string(kMostFileBytes) + " bytes";
}

/// The content of a file, or why there is none.
std::expected<std::string, std::string> read_whole(const std::filesystem::path& path) {
  const OpenFile file(path);
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    return std::unexpected("cannot be opened: " + reason(errno));
  }
  if (S_ISDIR(status.st_mode)) {
    return std::unexpected(std::string("is a directory, not a configuration file"));
  }
  if (::fcntl(file.get(), F_SETFL, 0) != 0) {
    return std::unexpected("cannot be read: " + reason(errno));
  }
  std::string text;
  std::size_t length = 0;
  while (true) {
    text.resize(std::min(length + 65536, kMostFileBytes + 1));
    const ssize_t got = ::read(file.get(), text.data() + length, text.size() - length);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return std::unexpected("cannot be read: " + reason(errno));
    }
    length += static_cast<std::size_t>(got);
    if (length > kMostFileBytes) {
      return std::unexpected(too_large());
    }
    if (got == 0) {
      text.resize(length);
      return text;
    }
  }
}

/// A failure that concerns the file as a whole.
std::unexpected<std::vector<Diagnostic>> unusable(std::string_view name, std::string why) {
  Diagnostic diagnostic;
  diagnostic.file = name;
  diagnostic.message = std::move(why);
  return std::unexpected(std::vector{std::move(diagnostic)});
}

}  // namespace

std::expected<Config, std::vector<Diagnostic>> load_text(std::string text, std::string_view name,
                                                         Check check) {
  if (text.size() > kMostFileBytes) {
    return unusable(name, too_large());
  }
  auto origin = std::make_shared<Origin>();
  origin->source = Source(std::string(name), std::move(text));
  Problems problems(origin->source);
  Config config;
  if (check_yaml_text(problems)) {
    if (const std::optional<YamlNode> document = parse_yaml(problems)) {
      read_config(*document, problems, origin->places, config);
      validate(config, origin->places, problems);
      if (check == Check::kTextAndEnvironment) {
        check_environment(config, origin->places, problems);
      }
    }
  }
  if (problems.has_errors()) {
    return std::unexpected(problems.take());
  }
  complete(config);
  config.warnings = problems.take();
  config.origin = std::move(origin);
  return config;
}

std::expected<Config, std::vector<Diagnostic>> load_file(const std::filesystem::path& path,
                                                         Check check) {
  std::expected<std::string, std::string> text = read_whole(path);
  if (!text) {
    return unusable(path.native(), std::move(text.error()));
  }
  return load_text(std::move(*text), path.native(), check);
}

}  // namespace sluiced::config
