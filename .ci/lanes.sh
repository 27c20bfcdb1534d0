#!/usr/bin/env bash
# Commands side by side, LANES at a time: many tests wait more than they calculate. Lines of `NAME<tab>COMMAND` on stdin; each
# command's words are printed, whole, when it has ended. One that fails stops no other, and is named at the end.
set -euo pipefail

LANES=${LANES:-$(nproc)}
# A test program has threads of its own; on a large machine more of them would only stand in each other's way.
[ "$LANES" -le 4 ] || LANES=4
words=$(mktemp -d)
trap 'rm -rf "$words"' EXIT
export words

# shellcheck disable=SC2016 # It is the inner shell that knows them.
lane='IFS=$'"'\t'"' read -r number name command <<<"$1"
  began=$SECONDS; failed=0
  bash -c "$command" >"$words/$number" 2>&1 </dev/null || failed=$?
  [ "$failed" = 0 ] || printf "%s (%s)\n" "$name" "$failed" >>"$words/failed"
  { flock 9; printf "\n---- %s: %s\n" "$name" "$command"; cat "$words/$number"; printf -- "---- %s: %s in %s s\n" "$name" \
    "$([ "$failed" = 0 ] && echo done || echo "FAILED ($failed)")" "$((SECONDS - began))"; } 9>"$words/lock"'

nl -w 1 | tr '\n' '\0' | xargs -0 -r -n 1 -P "$LANES" bash -c "$lane" lane

count() { cat "$words"/[0-9]* | sed -n "s/^test result: .* \([0-9]*\) $1;.*/\1/p" | awk '{ n += $1 } END { print n + 0 }'; }
printf '\n%s programs in %s lanes, %s s: %s tests passed, %s failed, %s left to other commands\n' \
  "$(find "$words" -name '[0-9]*' | wc -l)" "$LANES" "$SECONDS" "$(count passed)" "$(count failed)" "$(count ignored)"
if [ -e "$words/failed" ]; then
  echo "failed:" >&2
  cat "$words/failed" >&2
  exit 1
fi
