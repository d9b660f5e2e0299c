# Shared by the scripts of this repository; to be sourced, not run.
# shellcheck shell=bash

# The top folder of the repository, wherever the caller stands.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# die STATUS MESSAGE... ends the script with one line that names it.
die() {
  local status=$1
  shift
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit "$status"
}

# own_files NAME-PATTERN... prints the files of ours whose name matches one of the patterns, one a
# line, relative to the top folder. It asks the file system rather than git, so that it also works
# on an unpacked archive. Seeds of the fuzzers are data that nobody formats.
own_files() {
  local pattern names=()
  for pattern in "$@"; do
    names+=(-o -name "$pattern")
  done
  (cd "$root" && find . \( -path './.git' -o -path './build*' -o -path './tests/fuzz/seeds' \) -prune \
    -o -type f \( "${names[@]:1}" \) -printf '%P\n' | sort)
}

# show_end LOG prints the end of a log, and where the rest is.
show_end() {
  tail -n 80 "$1"
  printf '(the end of %s)\n' "$1"
}
