#!/usr/bin/env bash
# All tests, of which `cargo test` would run one program after the other. Arguments go to cargo. RUNNER is put before each program.
# LEFT_OUT names a file of tests that are not run, lines of `PROGRAM TEST REASON`, TEST a part of a name or `*`; each is told.
set -euo pipefail
cd "$(dirname "$0")/.."

read -ra cargo <<<"${CARGO:-cargo}"
LEFT_OUT=${LEFT_OUT:-/dev/null}
# Begun first, because they last longest; the others follow in cargo's order.
LONG='update|pose_memory|spotter|demo_sets|bad_cameras|log'
# It takes every core, and stops and starts things by the clock.
ALONE='bad_machine'

# Its words are read here, so that they must be as it says them by default. They are shown meanwhile, through cat, since to open
# /dev/stderr where that is a file would empty it.
built=$(CARGO_TERM_COLOR=never CARGO_TERM_QUIET=false CARGO_TERM_VERBOSE=false "${cargo[@]}" test "$@" --no-run 2>&1 |
  tee >(cat >&2))
programs=$(sed -n 's|^ *Executable .* (\(.*/\([^/]*\)-[0-9a-f]*\))$|\2\t\1|p' <<<"$built")
if [ -z "$programs" ] || [ "$(wc -l <<<"$programs")" != "$(grep -c '^ *Executable ' <<<"$built")" ]; then
  echo "cargo named its test programs otherwise than is known here" >&2
  exit 1
fi

# A program's line with what is left out of it; nothing where that is all.
with_skips() {
  local name program test reason line="$1" alone=""
  while read -r name test reason; do
    [ "$name" = "${1%%$'\t'*}" ] || continue
    printf 'left out of %s: %s: %s\n' "$name" "$test" "$reason" >&2
    if [ "$test" = '*' ]; then return; fi
    line+=" --skip $test"
  done < <(grep -v '^#' "$LEFT_OUT")
  program=${line#*$'\t'} name=${1%%$'\t'*}
  [[ ! $name =~ ^($ALONE)$ ]] || alone=!
  printf '%s%s\t%s\n' "$name" "$alone" "${RUNNER:+$RUNNER }$program"
}

lines=$({ grep -E "^($LONG)"$'\t' <<<"$programs" || true; grep -vE "^($LONG)"$'\t' <<<"$programs" || true; } |
  while IFS= read -r line; do with_skips "$line"; done)
export CARGO_MANIFEST_DIR=$PWD
exec .ci/lanes.sh <<<"$lines"
