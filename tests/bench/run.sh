#!/usr/bin/env bash
# Usage: tests/bench/run.sh [--quick] [--subjects LIST] [--peers LIST] [--rounds N] [--seconds S]
#                           [--budget S] [--results FOLDER] [--list]
#
# Compares sluiced with nginx, h2o, lighttpd, Caddy, Apache and a raw ring on this machine, in
# turns, each server on one core and the client on another: hot files of five sizes, a connection
# for each request, pipelined requests, ranges, a tree of many files, idle connections, cold files,
# and hot requests in the meantime. Writes a report in Markdown, plots in SVG and every run in JSON,
# and prints the report to standard output and its progress to standard error. README.md says how to
# read it. Takes about 35 minutes, and up to half as long again where other programs are busy.
#
#   --subjects LIST   only these, separated by commas; a * stands for anything
#   --peers LIST      sluiced and only these
#   --list            show the names for both
#   --rounds N        measure every server N times with every subject (5)
#   --seconds S       for so long each time (2)
#   --budget S        repeat what was disturbed for up to so long (half of what all runs take)
#   --results FOLDER  write there (tests/bench/results/DATE; with --quick, under build/)
#   --quick           1 round of 0.3 seconds, with fewer files: shows that it works, and no more
#
# Installs what is missing and builds first; SLUICED_BINARY=PATH takes that sluiced instead of
# building one. Needs root, or sudo, for a network of its own, and about 3 GB in /var/tmp, which
# must be on a disk. Does not judge speed: it fails when sluiced gives a wrong answer, or none.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

bench_prepare measure_servers.py "$@"
if [[ -n ${SLUICED_BINARY-} ]]; then
  program=$(realpath -- "$SLUICED_BINARY")
  [[ -x $program ]] || die 64 "$program is not a program"
  bench_build bench_http_client bench_raw_http
else
  program=$bench_folder/bin/sluiced
  bench_build bench_http_client bench_raw_http sluiced
fi
bench_run measure_servers.py --sluiced "$program" "$@"
