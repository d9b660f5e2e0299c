#!/usr/bin/env bash
# Usage: tests/peers/run.sh
#
# Installs nginx, lighttpd, Apache and Caddy from Debian, starts each on the loopback, sends every
# row of the tables in this folder to all of them and to sluiced, and writes RESULTS.md. Takes a few
# minutes. Installs what is missing and builds the release first; SLUICED_BINARY=PATH takes that
# program instead. Fails if sluiced fails in a row.
set -euo pipefail
# shellcheck source=.ci/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../.ci/lib.sh"

(($# == 0)) || die 64 "usage: tests/peers/run.sh"
"$root/.ci/install-packages" build peers
if [[ -n ${SLUICED_BINARY-} ]]; then
  program=$(realpath -- "$SLUICED_BINARY")
else
  program=$root/build/release/bin/sluiced
  log=$root/build/logs/peers.log
  mkdir -p "$(dirname "$log")"
  (cd "$root" && cmake --preset release -DSLUICE_BUILD_TESTS=OFF &&
    cmake --build --preset release --target sluiced -j "$(nproc)") >"$log" 2>&1 ||
    { show_end "$log" >&2 && die 70 "sluiced could not be built"; }
fi
[[ -x $program ]] || die 64 "$program is not a program"

cd "$root/tests/peers"
SLUICED_BINARY=$program exec /usr/bin/python3 -B compare.py \
  --servers sluiced,nginx,lighttpd,apache,caddy --report RESULTS.md
