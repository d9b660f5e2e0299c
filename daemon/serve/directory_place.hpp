#pragma once

#include <memory>
#include <string>

#include "files/root.hpp"

namespace sluiced::serve {

/// An open directory that is to be shown, and what holds for it.
struct DirectoryPlace {
  std::shared_ptr<const files::Root> root;
  std::string path;  // beneath the root, "." for the root itself
  files::SharedFile directory;
  bool with_hidden = false;
};

}  // namespace sluiced::serve
