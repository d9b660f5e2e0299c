#pragma once

#include <filesystem>
#include <string_view>

#include "service/control_socket.hpp"

namespace sluiced::service {

/// Where the control socket is unless the command line says: `control.sock` in the folder that the
/// service manager has made for the service ($RUNTIME_DIRECTORY), if there is one; else empty.
[[nodiscard]] std::filesystem::path default_control_path();

/// Asks the daemon whose control socket is at `path` for `verb`, and waits for what comes of it.
/// Where nobody answers the text says so, and the code is kUnavailable. Blocks.
[[nodiscard]] ControlAnswer ask_daemon(const std::filesystem::path& path, std::string_view verb);

}  // namespace sluiced::service
