#pragma once

#include <cstdint>
#include <string>
#include <vector>

// What the command line asks for; main.cpp says what each option means.
struct Options {
  unsigned port = 0;
  unsigned connections = 1;
  unsigned depth = 1;  // requests on a connection at the same time
  double seconds = 1;
  unsigned rate = 0;  // requests a second in an open loop; 0: as fast as the answers come
  bool close = false;
  bool once = false;
  bool hold = false;
  std::vector<std::string> paths;
  std::string evict;               // the folder of the files, or nothing
  std::uint64_t length = 0;        // of every body; 0: not known
  std::uint64_t range_length = 0;  // 0: whole files
};

/// Ends the program with 64 and one line on standard error if the command line makes no sense.
Options options_from(int argc, char** argv);
