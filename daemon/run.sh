#!/usr/bin/env bash
# Usage: daemon/run.sh [DIR] [OPTION...]
#
# Serves DIR (the current directory unless given) read-only on http://127.0.0.1:8080/ with a
# directory listing, until Ctrl-C. Installs what is missing and builds sluiced first. The options are
# those of `sluiced serve`, for example --listen 127.0.0.1:9000, which takes the place of ours.
set -euo pipefail
# shellcheck source=.ci/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../.ci/lib.sh"

case ${1-} in -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0" && exit 0 ;; esac
directory=.
if (($# > 0)) && [[ $1 != -* ]]; then
  directory=$1
  shift
fi
# Said now rather than after the minutes that a first build takes.
[[ -d $directory ]] || die 78 "$directory is not a directory"

listen=(--listen 127.0.0.1:8080)
for argument in "$@"; do
  case $argument in --listen | --listen=*) listen=() ;; esac
done

# What a directory of root's holds, only root can read.
user=()
((EUID != 0)) || user=(--allow-root)
for argument in "$@"; do
  case $argument in --user | --user=*) user=() ;; esac
done

"$root/.ci/install-packages" build
program=$root/build/release/bin/sluiced
log=$root/build/logs/sluiced.log
mkdir -p "$(dirname "$log")"
[[ -x $program ]] || printf 'building sluiced, which takes a few minutes the first time\n' >&2
# The tests are left out, and with them the packages that only they need.
(cd "$root" && cmake --preset release -DSLUICE_BUILD_TESTS=OFF &&
  cmake --build --preset release --target sluiced -j "$(nproc)") >"$log" 2>&1 ||
  { show_end "$log" >&2 && die 70 "sluiced could not be built"; }

exec "$program" serve "$directory" "${listen[@]}" "${user[@]}" --listing "$@"
