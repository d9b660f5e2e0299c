#!/usr/bin/env bash
# Usage: tests/bench/runtime.sh [--quick] [--rounds N] [--seconds S] [--budget S] [--json FILE]
#
# Compares the runtime with a raw liburing loop, Asio, libuv and fio on this machine, in turns.
# Prints a Markdown table to standard output and its progress to standard error. README.md says what
# is measured and how to read it. Takes about seven minutes, without the build.
#
#   --rounds N    measure every program N times with every subject (11)
#   --seconds S   for so long each time (0.4)
#   --budget S    repeat what was disturbed as long as the whole takes less than that (480)
#   --json FILE   write every single run there, too
#   --quick       3 rounds of 0.15 seconds: shows that it works, not what is faster
#
# Installs what is missing and builds first. Needs root, or sudo, for a network of its own. Judges
# nothing: it fails only when a program cannot be measured.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

bench_prepare measure_runtime.py "$@"
bench_build bench_sluice bench_load bench_raw bench_libuv bench_floor bench_asio_epoll \
  bench_asio_io_uring
bench_run measure_runtime.py "$@"
