#!/usr/bin/env bash
# Usage: tests/bench/runtime.sh [--quick] [--turns N] [--seconds S] [--json FILE]
#
# Compares the runtime with a raw liburing loop, Asio, libuv and fio on this machine, in turns.
# Prints a Markdown table to standard output and its progress to standard error. README.md says what
# is measured and how to read it. Takes about seven minutes, without the build.
#
#   --turns N     measure every program N times with every subject (11)
#   --seconds S   for so long each time (0.4)
#   --json FILE   write every single run there, too
#   --quick       3 turns of 0.15 seconds: shows that it works, not what is faster
#
# Installs what is missing and builds first. Needs root, or sudo, for a network of its own. Judges
# nothing: it fails only when a program cannot be measured.
set -euo pipefail
# shellcheck source=.ci/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../.ci/lib.sh"

usage() { sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; }

# Runs that others disturbed are repeated as long as the whole stays below the budget.
turns=11 seconds=0.4 json='' budget=480
while (($# > 0)); do
  case $1 in
    --quick) turns=3 seconds=0.15 budget=60 ;;
    --turns) turns=${2-} && shift ;;
    --seconds) seconds=${2-} && shift ;;
    --json) json=${2-} && shift ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 64 ;;
  esac
  shift || true
done
[[ $turns =~ ^[1-9][0-9]*$ ]] || die 64 "--turns takes a number from 1 on"
[[ $seconds =~ ^[0-9]*\.?[0-9]+$ && $seconds =~ [1-9] ]] ||
  die 64 "--seconds takes a number above 0"
if [[ -n $json ]]; then
  json=$(realpath -- "$json")
fi

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
# A folder of its own: the one of the tests has no programs of others in it.
folder=$root/build/bench log=$root/build/logs/bench-runtime.log
mkdir -p "$(dirname "$log")"
(cd "$root" && cmake --preset release -B "$folder" -DSLUICE_BUILD_BENCHMARKS=ON \
  -DSLUICE_BUILD_TESTS=OFF -DSLUICE_BUILD_DAEMON=OFF -DSLUICE_BUILD_EXAMPLES=OFF &&
  cmake --build "$folder" -j "$(nproc)") >"$log" 2>&1 ||
  { show_end "$log" >&2 && die 70 "the programs could not be built"; }

# A network of its own, as in run.sh: no packet filter, and a congestion control for the loopback.
# shellcheck disable=SC2016
exec "${privileged[@]}" unshare --net -- bash -c '
  ip link set lo up && echo reno >/proc/sys/net/ipv4/tcp_congestion_control && exec "$@"
' bash /usr/bin/python3 -B "$root/tests/bench/measure_runtime.py" "$folder/bin" "$turns" \
  "$seconds" "$budget" "$json"
