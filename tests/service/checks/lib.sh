# Shared by the checks, which run as root in a machine whose systemd has just booted.
# shellcheck shell=bash

fail() {
  printf 'failed: %s\n' "$*"
  systemctl status --no-pager --full sluiced.service || true
  journalctl --no-pager --lines=50 --unit=sluiced.service || true
  exit 1
}

# expect WHAT COMMAND... fails unless the command succeeds.
expect() {
  local what=$1
  shift
  "$@" || fail "$what"
  printf 'ok: %s\n' "$what"
}

# eventually WHAT COMMAND... fails unless the command succeeds within a minute.
eventually() {
  local what=$1
  shift
  for _ in {1..600}; do
    if "$@"; then
      printf 'ok: %s\n' "$what"
      return
    fi
    sleep 0.1
  done
  fail "$what"
}

property() { systemctl show --value --property="$1" sluiced.service; }
is_property() { [[ $(property "$1") == "$2" ]]; }
# The journal has a line some time after it was written: to be asked with `eventually`.
journal_has() { grep -q "$1" <(journalctl --no-pager --unit=sluiced.service); }
fetches() { [[ $(curl -sS --max-time 20 "http://127.0.0.1:8080/$1") == "$2" ]]; }

# Where it is installed already.
[[ ! -d /srv/sluice/public ]] || echo hello >/srv/sluice/public/hello
