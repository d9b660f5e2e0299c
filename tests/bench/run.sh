#!/usr/bin/env bash
# Usage: tests/bench/run.sh [--cold] [--quick] [--pairs N] [--seconds N]
#
# Compares sluiced with nginx on this machine: hot files of three sizes, 64 keep-alive connections,
# each server on one core and the load generator on another, in turns. Prints a Markdown table to
# standard output and its progress to standard error. Takes about four minutes, and up to four times
# as long where other programs are busy.
#
#   --cold        measure files that are not in the page cache instead, and how long requests for a
#                 hot one take in the meantime; nginx with threads for reading is the third server
#   --pairs N     measure every server N times with every file (7)
#   --seconds N   for so long each time (3)
#   --quick       1 pair of 1 second: shows that it works, not what is faster
#
# Installs what is missing and builds the release first; SLUICED_BINARY=PATH takes that program
# instead. Needs root, or sudo, for a network of its own. Judges nothing: it fails only when a
# server cannot be measured.
set -euo pipefail
# shellcheck source=.ci/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../.ci/lib.sh"

usage() { sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; }

pairs=7 seconds=3 measure=measure.py
while (($# > 0)); do
  case $1 in
    --cold) measure=measure_cold.py ;;
    --quick) pairs=1 seconds=1 ;;
    --pairs) pairs=${2-} && shift ;;
    --seconds) seconds=${2-} && shift ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 64 ;;
  esac
  shift || true
done
[[ $pairs =~ ^[1-9][0-9]*$ && $seconds =~ ^[1-9][0-9]*$ ]] ||
  die 64 "--pairs and --seconds take a number from 1 on"

# Said now rather than after the minutes that a build takes.
privileged=()
if ((EUID != 0)); then
  command -v sudo >/dev/null ||
    die 77 "needs root: a network namespace and a negative nice value are not given to others"
  privileged=(sudo --)
fi
"${privileged[@]}" unshare --net -- true ||
  die 77 "no network namespace is to be had; in a container it takes the capability SYS_ADMIN"

"$root/.ci/install-packages" build bench
if [[ -n ${SLUICED_BINARY-} ]]; then
  program=$(realpath -- "$SLUICED_BINARY")
else
  program=$root/build/release/bin/sluiced
  log=$root/build/logs/bench.log
  mkdir -p "$(dirname "$log")"
  # The tests are left out, and with them the packages that only they need.
  (cd "$root" && cmake --preset release -DSLUICE_BUILD_TESTS=OFF &&
    cmake --build --preset release --target sluiced -j "$(nproc)") >"$log" 2>&1 ||
    { show_end "$log" >&2 && die 70 "sluiced could not be built"; }
fi
[[ -x $program ]] || die 64 "$program is not a program"

# A network of its own has free ports, and a congestion control that suits the loopback: bbr, the
# default of many machines, paces bulk transfers there to a fraction of what either server can do.
# shellcheck disable=SC2016
exec "${privileged[@]}" unshare --net -- bash -c '
  ip link set lo up && echo reno >/proc/sys/net/ipv4/tcp_congestion_control && exec "$@"
' bash /usr/bin/python3 "$root/tests/bench/$measure" "$program" "$pairs" "$seconds"
