#include "config/start_settings.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluiced::config {
namespace {

std::string text_of(std::uint32_t number) { return std::to_string(number); }
std::string text_of(std::chrono::milliseconds time) { return std::to_string(time.count()) + "ms"; }
std::string text_of(const std::optional<ListenAddress>& address) {
  return address ? to_string(*address) : "off";
}
std::string text_of(const std::optional<std::string>& text) { return text.value_or("off"); }
std::string text_of(Landlock landlock) {
  switch (landlock) {
    case Landlock::kRequired:
      return "required";
    case Landlock::kBestEffort:
      return "best_effort";
    case Landlock::kOff:
      break;
  }
  return "off";
}
std::string text_of(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) {
    all.append(all.empty() ? "[" : ", ").append(text);
  }
  return all.empty() ? "[]" : all + "]";
}

class Keeper {
 public:
  template <class Value>
  void keep(std::string_view key, const Value& running, Value& asked) {
    if (running != asked) {
      kept_.push_back({std::string(key), text_of(running), text_of(asked)});
      asked = running;
    }
  }
  // The number 0 has a name of its own.
  void keep_workers(std::uint32_t running, std::uint32_t& asked) {
    const std::size_t before = kept_.size();
    keep("runtime.workers", running, asked);
    if (kept_.size() > before) {
      for (std::string* text : {&kept_.back().running, &kept_.back().asked}) {
        *text = *text == "0" ? "auto" : *text;
      }
    }
  }
  [[nodiscard]] std::vector<StartSetting> take() && { return std::move(kept_); }

 private:
  std::vector<StartSetting> kept_;
};

}  // namespace

std::vector<StartSetting> keep_start_settings(const Config& running, Config& asked) {
  Keeper keeper;
  keeper.keep_workers(running.runtime.workers, asked.runtime.workers);
  keeper.keep("runtime.ring_entries", running.runtime.ring_entries, asked.runtime.ring_entries);
  keeper.keep("runtime.max_open_files", running.runtime.max_open_files,
              asked.runtime.max_open_files);
  keeper.keep("runtime.cached_files", running.runtime.cached_files, asked.runtime.cached_files);
  keeper.keep("runtime.unwatched_file_age", running.runtime.unwatched_file_age,
              asked.runtime.unwatched_file_age);
  keeper.keep("runtime.user", running.runtime.user, asked.runtime.user);
  keeper.keep("confinement.landlock", running.confinement.landlock, asked.confinement.landlock);
  keeper.keep("confinement.readable", running.confinement.readable, asked.confinement.readable);
  keeper.keep("admin.listen", running.admin.listen, asked.admin.listen);
  return std::move(keeper).take();
}

std::string describe(const StartSetting& setting) {
  std::string sentence = setting.key;
  sentence.append(" takes effect at a start only: ").append(setting.running);
  sentence.append(" is running, ").append(setting.asked);
  sentence.append(" is asked for, restart sluiced to have it");
  return sentence;
}

}  // namespace sluiced::config
