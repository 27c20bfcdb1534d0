#!/usr/bin/env bash
# All tests, of which `cargo test` would run one program after the other. Arguments go to cargo. RUNNER is put before each program.
# LEFT_OUT names a file of tests that are not run, lines of `PROGRAM TEST REASON`, TEST the start of a name or `*`; each is told.
set -euo pipefail
cd "$(dirname "$0")/.."

CARGO=${CARGO:-cargo}
LEFT_OUT=${LEFT_OUT:-/dev/null}
# Begun first, because they last longest; the others follow in cargo's order.
LONG='update|pose_memory|spotter|demo_sets|bad_machine|bad_cameras|log'

built=$(mktemp)
trap 'rm -f "$built"' EXIT
"$CARGO" test "$@" --no-run 2>&1 | tee "$built"
programs=$(sed -n 's|^ *Executable .* (\(.*/\([^/]*\)-[0-9a-f]*\))$|\2\t\1|p' "$built")
[ -n "$programs" ] || { echo "cargo named no test program" >&2; exit 1; }

# A program's line with what is left out of it; nothing where that is all.
with_skips() {
  local name program test reason line="$1"
  while read -r name test reason; do
    [ "$name" = "${1%%$'\t'*}" ] || continue
    printf 'left out of %s: %s: %s\n' "$name" "$test" "$reason" >&2
    if [ "$test" = '*' ]; then return; fi
    line+=" --skip $test"
  done < <(grep -v '^#' "$LEFT_OUT")
  program=${line#*$'\t'}
  printf '%s\t%s\n' "${1%%$'\t'*}" "${RUNNER:+$RUNNER }$program"
}

export CARGO_MANIFEST_DIR=$PWD
{ grep -E "^($LONG)"$'\t' <<<"$programs" || true; grep -vE "^($LONG)"$'\t' <<<"$programs" || true; } |
  while IFS= read -r line; do with_skips "$line"; done | .ci/lanes.sh
