#include "options.hpp"

#include <getopt.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "meter.h"

namespace {

constexpr const char* kUsage =
    "Usage: bench_http_client --port N (--path PATH | --paths FILE) [OPTION]...\n"
    "\n"
    "Asks a server on 127.0.0.1 for files, checks heads and lengths, throws the bodies away "
    "without\n"
    "copying them, and prints one line of JSON.\n"
    "\n"
    "  --path PATH       the file to ask for\n"
    "  --paths FILE      ask for the paths that stand in it, one a line\n"
    "  --connections N   with so many connections (1)\n"
    "  --seconds S       for so long; with --once and --hold: at most (1)\n"
    "  --depth N         so many requests in one piece, the next ones when all are answered (1)\n"
    "  --close           a connection for each request, which the server is asked to close\n"
    "  --rate N          so many requests a second, whether or not earlier ones are answered: a\n"
    "                    latency begins when the request was due\n"
    "  --once            each path once, over all connections\n"
    "  --hold            one request on each connection, then print a line, keep them open until\n"
    "                    standard input ends, and print how many still are\n"
    "  --evict FOLDER    put a file out of the page cache before it is asked for; each connection\n"
    "                    has files of its own and picks one at random\n"
    "  --length N        every file has so many bytes, and another number is an error\n"
    "  --range N         ask for so many bytes of the file, which has --length, at random "
    "offsets\n";

[[noreturn]] void refuse(const char* what) {
  std::fprintf(stderr, "bench_http_client: %s; --help lists the options\n", what);
  std::exit(64);
}

std::uint64_t bytes_from(const char* text) {
  char* end = nullptr;
  const unsigned long long number = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0' || number == 0) {
    refuse("a number of bytes is not one");
  }
  return number;
}

double seconds_from(const char* text) {
  char* end = nullptr;
  const double seconds = std::strtod(text, &end);
  if (end == text || *end != '\0' || !(seconds > 0) || seconds > 86400) {
    refuse("a number of seconds is not one");
  }
  return seconds;
}

void read_paths(const char* name, std::vector<std::string>& paths) {
  std::ifstream file(name);
  for (std::string line; std::getline(file, line);) {
    paths.push_back(line);
  }
  if (!file.eof()) {
    refuse("the file of --paths cannot be read");
  }
}

constexpr std::array<option, 14> kLongOptions = {{{"port", required_argument, nullptr, 'p'},
                                                  {"path", required_argument, nullptr, 'f'},
                                                  {"paths", required_argument, nullptr, 'F'},
                                                  {"connections", required_argument, nullptr, 'c'},
                                                  {"seconds", required_argument, nullptr, 's'},
                                                  {"depth", required_argument, nullptr, 'd'},
                                                  {"close", no_argument, nullptr, 'x'},
                                                  {"rate", required_argument, nullptr, 'r'},
                                                  {"once", no_argument, nullptr, 'o'},
                                                  {"hold", no_argument, nullptr, 'h'},
                                                  {"evict", required_argument, nullptr, 'e'},
                                                  {"length", required_argument, nullptr, 'l'},
                                                  {"range", required_argument, nullptr, 'R'},
                                                  {"help", no_argument, nullptr, '?'}}};

void take(Options& options, int letter, const char* value) {
  switch (letter) {
    case 'p':
      options.port = number_from(value);
      break;
    case 'f':
      options.paths.emplace_back(value);
      break;
    case 'F':
      read_paths(value, options.paths);
      break;
    case 'c':
      options.connections = number_from(value);
      break;
    case 's':
      options.seconds = seconds_from(value);
      break;
    case 'd':
      options.depth = number_from(value);
      break;
    case 'x':
      options.close = true;
      break;
    case 'r':
      options.rate = number_from(value);
      break;
    case 'o':
      options.once = true;
      break;
    case 'h':
      options.hold = true;
      break;
    case 'e':
      options.evict = value;
      break;
    case 'l':
      options.length = bytes_from(value);
      break;
    case 'R':
      options.range_length = bytes_from(value);
      break;
    default:
      refuse("an option is not known");
  }
}

void check(const Options& options) {
  if (options.port == 0 || options.port > 65535) {
    refuse("--port takes a port");
  }
  if (options.paths.empty()) {
    refuse("there is no path to ask for");
  }
  if (options.depth > 1 && (options.close || options.rate != 0 || !options.evict.empty() ||
                            options.once || options.hold)) {
    refuse("--depth does not go with --close, --rate, --evict, --once or --hold");
  }
  if (options.close && (options.rate != 0 || options.hold)) {
    refuse("--close does not go with --rate or --hold");
  }
  if (options.rate != 0 && (options.once || options.hold)) {
    refuse("--rate does not go with --once or --hold");
  }
  if (options.range_length > options.length) {
    refuse("--range does not fit into --length");
  }
  if (!options.evict.empty() && options.paths.size() < options.connections) {
    refuse("--evict needs a file for each connection");
  }
}

}  // namespace

Options options_from(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--help") {
    std::fputs(kUsage, stdout);
    std::exit(0);
  }
  // getopt_long reads until an entry of zeros.
  std::array<option, kLongOptions.size() + 1> table{};
  std::copy(kLongOptions.begin(), kLongOptions.end(), table.begin());
  Options options;
  opterr = 0;
  for (int letter = 0; (letter = ::getopt_long(argc, argv, "", table.data(), nullptr)) != -1;) {
    take(options, letter, optarg);
  }
  if (optind != argc) {
    refuse("a word is not an option");
  }
  check(options);
  return options;
}
