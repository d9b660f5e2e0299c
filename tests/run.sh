#!/usr/bin/env bash
# Usage: tests/run.sh [PATTERN]
#
# Installs what is missing, builds, and runs every test and check of the project. With a PATTERN (a
# regular expression on the names that `ctest -N` shows) only the tests that match it, on the
# release and the address-sanitizer build.
#
# Each stage is shown with its duration, and writes build/logs/STAGE.log. The end of the log of a
# stage that failed is shown, and the stages after it still run. The last line sums up all tests;
# a stage that failed for another reason than a test counts as one failure. Tests of the whole daemon
# are run twice if they fail at first, and named then: that is a fault to be mended all the same.
set -euo pipefail
# shellcheck source=.ci/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../.ci/lib.sh"
cd "$root"

case ${1-} in -*) die 64 "usage: tests/run.sh [PATTERN]" ;; esac
(($# <= 1)) || die 64 "usage: tests/run.sh [PATTERN]"
pattern=${1-}
jobs=$(nproc)
mkdir -p build/logs
passed=0 failed=0 failed_stages=()

# stage NAME COMMAND... runs one stage and adds up its tests.
stage() {
  local name=$1 log=build/logs/$1.log began=$SECONDS outcome=ok bad=0 line
  shift
  "$@" >"$log" 2>&1 || outcome=FAILED
  while read -r line; do
    [[ $line =~ ([0-9]+)' tests failed out of '([0-9]+) ]] || continue
    bad=$((bad + BASH_REMATCH[1])) passed=$((passed + BASH_REMATCH[2] - BASH_REMATCH[1]))
  done < <(grep 'tests failed out of' "$log" || true)
  if [[ $outcome == FAILED ]]; then
    failed_stages+=("$name")
    ((bad > 0)) || bad=1
  fi
  failed=$((failed + bad))
  printf '%-12s %-6s %4d s\n' "$name" "$outcome" "$((SECONDS - began))"
  sed -nE 's/.*Test +#[0-9]+: ([^ ]+) \.*\*\*\*.*/             \1 failed in a first or second run/p' "$log" |
    sort -u
  [[ $outcome == ok ]] || show_end "$log"
}

# build_and_test PRESET CTEST-ARGUMENT...
build_and_test() {
  local preset=$1
  shift
  cmake --preset "$preset" && cmake --build --preset "$preset" -j "$jobs" &&
    test_built "$preset" "$@"
}

# What runs a whole daemon beside other programs is given a second try; stage() names what took it.
test_built() {
  local result=0 whole='^(integration|service)$'
  ctest --preset "$1" -N "${@:2}" | grep 'Total Tests: [1-9]' ||
    { echo "there is no such test" && return 1; }
  ctest --preset "$1" -j "$jobs" --no-tests=ignore -LE "$whole" "${@:2}" || result=1
  ctest --preset "$1" -j "$jobs" --no-tests=ignore -L "$whole" --repeat until-pass:2 "${@:2}" ||
    result=1
  return "$result"
}

# Tests are left out here: GoogleTest's macros cost clang-tidy minutes and hide more than it finds.
tidy() {
  local top
  top=$(sed 's/[^[:alnum:]/_-]/\\&/g' <<<"$root")
  run-clang-tidy-19 -quiet -j "$jobs" -p build/clang "^$top/(lib|daemon)/.*\\.cpp\$"
}

stage packages .ci/install-packages build package test
if [[ -n $pattern ]]; then
  stage release build_and_test release -R "$pattern"
  stage asan build_and_test asan -R "$pattern"
else
  stage house-rules .ci/house-rules
  stage lint .ci/lint
  stage release build_and_test release
  stage asan build_and_test asan
  # The preset holds the runtime alone: the daemon's shards meet in the runtime's primitives only.
  stage tsan build_and_test tsan
  # The second compiler, and the one run in which nothing is optimised and nothing instrumented.
  stage clang build_and_test clang -L '^(unit|simulation)'
  # Each target for SLUICE_FUZZ_SECONDS, a minute if that is not set.
  stage fuzz build_and_test fuzz
  stage tidy tidy
fi

((failed == 0)) || printf 'failed: %s\n' "${failed_stages[*]}"
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
