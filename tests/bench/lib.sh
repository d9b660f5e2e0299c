# Shared by the scripts of the benchmarks; to be sourced, not run.
# shellcheck shell=bash
# shellcheck source=.ci/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../.ci/lib.sh"

# A folder of its own: the one of the tests has no programs of others in it, and keeps its settings.
bench_folder=$root/build/bench

# bench_prepare SCRIPT ARGUMENT... ends the program if the arguments are wrong, or the machine does
# not allow what is needed; installs what is missing. --help shows the head of the calling script.
bench_prepare() {
  local script=$1 argument
  shift
  for argument; do
    case $argument in
      -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0" && exit 0 ;;
    esac
  done
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
  /usr/bin/python3 -B "$root/tests/bench/$script" --check-options "$@"
  for argument; do
    [[ $argument != --list ]] || exit 0
  done
}

# bench_build TARGET... builds them, optimised.
bench_build() {
  local log=$root/build/logs/bench.log target targets=()
  for target; do
    targets+=(--target "$target")
  done
  mkdir -p "$(dirname "$log")"
  (cd "$root" && cmake --preset release -B "$bench_folder" -DSLUICE_BUILD_BENCHMARKS=ON \
    -DSLUICE_BUILD_TESTS=OFF -DSLUICE_BUILD_EXAMPLES=OFF &&
    cmake --build "$bench_folder" -j "$(nproc)" "${targets[@]}") >"$log" 2>&1 ||
    { show_end "$log" >&2 && die 70 "the programs could not be built"; }
}

# bench_run SCRIPT ARGUMENT... runs it in a network of its own, which has free ports, no packet
# filter, and a congestion control that suits the loopback: bbr, the default of many machines, paces
# bulk transfers there to a fraction of what any server can do.
bench_run() {
  local script=$1
  shift
  # shellcheck disable=SC2016
  exec "${privileged[@]}" unshare --net -- bash -c '
    ip link set lo up && echo reno >/proc/sys/net/ipv4/tcp_congestion_control && exec "$@"
  ' bash /usr/bin/python3 -B "$root/tests/bench/$script" --programs "$bench_folder/bin" "$@"
}
