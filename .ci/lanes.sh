#!/usr/bin/env bash
# Commands side by side, LANES at a time: many tests wait more than they calculate. Lines of `NAME<tab>COMMAND` on stdin; what bears
# a `!` behind its name is run alone, after the others. Each command's words are printed, whole, when it has ended, or when all of
# this is ended. One that fails stops no other, and is named at the end.
set -euo pipefail

if [ -z "${LANES:-}" ]; then
  LANES=$(nproc)
  # A test program has threads of its own; on a large machine more of them would only stand in each other's way.
  [ "$LANES" -le 4 ] || LANES=4
fi
words=$(mktemp -d)
export words

# Whoever ends this wants to know what hung; and what is still in the queue finds no place for its words, and ends.
leave() {
  for begun in "$words"/[0-9]*.begun; do
    [ -e "$begun" ] || continue
    printf '\n---- %s: NOT ENDED, its last words:\n' "$(cat "$begun")"
    tail -n 40 "${begun%.begun}"
  done
  rm -rf "$words"
}
trap leave EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# shellcheck disable=SC2016 # It is the inner shell that knows them.
lane='IFS=$'"'\t'"' read -r number name command <<<"$1"
  { echo "$name" >"$words/$number.begun"; } 2>/dev/null || exit 0
  printf "%s\n" "---- $name begins"
  began=$SECONDS; failed=0
  bash -c "$command" >"$words/$number" 2>&1 </dev/null || failed=$?
  [ "$failed" = 0 ] || printf "%s (%s)\n" "$name" "$failed" >>"$words/failed"
  { flock 9; printf "\n---- %s: %s\n" "$name" "$command"; cat "$words/$number"; printf -- "---- %s: %s in %s s\n" "$name" \
    "$([ "$failed" = 0 ] && echo done || echo "FAILED ($failed)")" "$((SECONDS - began))"; } 9>"$words/lock"
  rm "$words/$number.begun"'

lines=$(nl -w 1)
[ -n "$lines" ] || { echo "there is nothing to run" >&2; exit 1; }
alone=$'^[^\t]*\t[^\t]*!\t'
run() { tr '\n' '\0' | xargs -0 -r -n 1 -P "$1" bash -c "$lane" lane; }
# Waited for, since the shell hears no signal while it runs something itself.
run "$LANES" < <(grep -v "$alone" <<<"$lines") &
wait $!
run 1 < <(grep "$alone" <<<"$lines") &
wait $!

count() { cat "$words"/[0-9]* | sed -n "s/^test result: .* \([0-9]*\) $1;.*/\1/p" | awk '{ n += $1 } END { print n + 0 }'; }
printf '\n%s programs in %s lanes, %s s: %s tests passed, %s failed, %s ignored\n' \
  "$(wc -l <<<"$lines")" "$LANES" "$SECONDS" "$(count passed)" "$(count failed)" "$(count ignored)"
if [ -e "$words/failed" ]; then
  echo "failed:" >&2
  cat "$words/failed" >&2
  exit 1
fi
