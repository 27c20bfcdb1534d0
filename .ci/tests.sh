#!/usr/bin/env bash
# All tests, of which `cargo test` would run one program after the other. Arguments go to cargo.
set -euo pipefail
cd "$(dirname "$0")/.."

CARGO=${CARGO:-cargo}
# Begun first, because they last longest; the others follow in cargo's order.
LONG='update|pose_memory|spotter|demo_sets|bad_machine|bad_cameras|log'

built=$(mktemp)
trap 'rm -f "$built"' EXIT
"$CARGO" test "$@" --no-run 2>&1 | tee "$built"
programs=$(sed -n 's|^ *Executable .* (\(.*/\([^/]*\)-[0-9a-f]*\))$|\2\t\1|p' "$built")
[ -n "$programs" ] || { echo "cargo named no test program" >&2; exit 1; }

export CARGO_MANIFEST_DIR=$PWD
{ grep -E "^($LONG)"$'\t' <<<"$programs"; grep -vE "^($LONG)"$'\t' <<<"$programs"; } | .ci/lanes.sh
"$CARGO" test "$@" --doc
