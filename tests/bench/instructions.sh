#!/usr/bin/env bash
# Usage: tests/bench/instructions.sh [CONNECTIONS [BYTES [close]]]
#
# Counts, with valgrind's callgrind, the instructions that sluiced's own code (not the kernel's)
# takes for a request of a file in the page cache: 16 keep-alive connections and 1024 bytes unless
# said otherwise; with "close", each connection is for one request, and what it takes is counted in.
# It is the difference between two runs of different length, so that the start does
# not count, and it is the same on a busy machine. Needs valgrind; builds what it lacks.
set -euo pipefail
# shellcheck source=.ci/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../.ci/lib.sh"

connections=${1-16} bytes=${2-1024} close=${3-}
[[ $connections =~ ^[1-9][0-9]*$ && $bytes =~ ^[1-9][0-9]*$ ]] || die 64 "takes numbers from 1 on"
[[ -z $close || $close == close ]] || die 64 "takes no third word but close"
command -v valgrind >/dev/null || die 69 "valgrind is missing: apt-get install valgrind"
"$root/.ci/install-packages" build test
(cd "$root" && cmake --preset release >/dev/null &&
  cmake --build --preset release --target bench_instructions -j "$(nproc)" >/dev/null)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
head -c "$bytes" /dev/urandom >"$scratch/file.bin"
# The head of a file that has just changed is not kept, and its length changes when it is.
touch -d '1 hour ago' "$scratch/file.bin"

# The requests and the instructions of one run; the client is another process, with a file of its own.
count() {
  local requests
  requests=$(valgrind --quiet --tool=callgrind --callgrind-out-file="$scratch/out.%p" \
    "$root/build/release/bin/bench_instructions" "$scratch" /file.bin "$connections" "$1" \
    ${close:+close} |
    sed -n 's/ requests$//p')
  ((requests == connections * $1)) ||
    die 70 "$requests of $((connections * $1)) requests were answered"
  echo "$requests $(sed -n 's/^summary: //p' "$scratch"/out.* | sort -n | tail -1)"
  rm "$scratch"/out.*
}
few=$(count $((1600 / connections + 1)))
many=$(count $((6400 / connections + 1)))
read -r few_requests few <<<"$few"
read -r many_requests many <<<"$many"
echo "$(((many - few) / (many_requests - few_requests))) instructions for each request of $bytes" \
  "bytes, $connections connections${close:+, each for one request}"
