# Sourced by tests/image/run.sh: an update in the guest, by the program of the package and the real systemd. What is signed by
# somebody else, damaged or never ready leaves the box on its version, also when the power is cut in the midst of the trial.
# shellcheck shell=bash
# shellcheck disable=SC2154 # work: the folder of the test; guest, says and check are run.sh's as well

readonly GOOD=9.1.0 HANGS=9.2.0
readonly RELEASES=/usr/local/lib/spotter-test

# release KEY VERSION SCRIPT [PROGRAM]: into the folder $work/KEY. There is only one program to test with, so the release's own is a
# script that names another version, and goes on as PROGRAM.
release() {
  local folder=$work/stage-$2
  mkdir -p "$folder/bin"
  printf '#!/bin/sh\n[ "$1" = --version ] && { echo spotter %s; exit; }\n%s\n' "$2" "$3" >"$folder/bin/spotter"
  chmod 755 "$folder/bin/spotter"
  [ -z "${4:-}" ] || cp "$4" "$folder/bin/real"
  KEY=$work/$1.key OUT=$work/$1 GZIP_LEVEL=1 board/spot.sh pack "$folder" "$2" aarch64 2>>"$work/spot.log" >/dev/null
}

# Keys of two people and three releases; of what is printed debugfs brings them into the guest.
make_releases() {
  local who folder
  for who in ours theirs; do minisign -G -W -f -p "$work/$who.pub" -s "$work/$who.key" >/dev/null; done
  folder=$(board/spot.sh stage arm64 2>>"$work/spot.log")
  # shellcheck disable=SC2016 # it is the script that knows where it is
  release ours "$GOOD" 'exec "${0%/*}/real" "$@"' "$folder/bin/spotter"
  release ours "$HANGS" '[ "$1" = check ] && exit 0; exec sleep 3600'
  release theirs "$HANGS" 'exit 0'
  echo "write $work/ours.pub /etc/spotter/update.pub"
  echo "write $work/ours/spotter_${GOOD}_aarch64.spot $RELEASES/good.spot"
  echo "write $work/ours/spotter_${HANGS}_aarch64.spot $RELEASES/hangs.spot"
  echo "write $work/theirs/spotter_${HANGS}_aarch64.spot $RELEASES/theirs.spot"
}

# updates ARGUMENTS CODE SENTENCE: spotter-update ends so, and these are its last words.
updates() {
  local code=0 last
  guest "spotter-update $1 2>&1" >"$work/said" || code=$?
  last=$(tail -n 1 "$work/said")
  say "note: spotter-update $1: $last"
  [ "$code" = "$2" ] && [ "$last" = "spotter-update: $3" ] || { sed "s/^/note: $code: /" "$work/said"; return 1; }
}
# By the file that the kernel says it runs.
runs() { says 'readlink "/proc/$(systemctl show -p MainPID --value spotter)/exe"' "^$1\$"; }

update_guest() {
  local base good=/var/lib/spotter-versions/$GOOD/bin/real
  base=$(guest 'spotter-update --status' | sed -n '1s/ runs$//p')
  check "update: what somebody else signed is refused" \
    updates "$RELEASES/theirs.spot" 1 "$RELEASES/theirs.spot is not signed by a key that this box trusts"
  guest "head -c 2000000 $RELEASES/good.spot >/tmp/cut.spot"
  check "update: half a release is refused" updates /tmp/cut.spot 1 "/tmp/cut.spot is damaged, or was changed after it was signed"
  check "and the package's program runs" runs /usr/bin/spotter
  check "update: a good one is installed and kept" updates "$RELEASES/good.spot" 0 "$GOOD runs; live cameras: 1"
  check "it is the one that runs" runs "$good"
  check "and shows its picture" until_answer /snapshot 200
  check "whose colours are right" right_colours
  check "update: one that is never ready is taken back" updates "$RELEASES/hangs.spot --wait-s 90" 1 \
    "$HANGS was taken back and $GOOD runs again: it was not ready after 90 s"
  check "and the one before runs" runs "$good"
  check "with its picture" until_answer /snapshot 200
  check "the journal and the status say so" says 'spotter-update --status; journalctl -b -o cat -t spotter-update' \
    "^the last update: $HANGS was taken back"
  check "in the same words" said_too "^$HANGS was taken back and $GOOD runs again"

  guest "systemd-run --quiet --collect spotter-update $RELEASES/hangs.spot"
  check "update: the same again" says "for _ in {1..300}; do grep $HANGS /run/spotter/program && exit; sleep 1; done; exit 1" "$HANGS"
  cut_power
  boot
  check "the power cut in its trial, it boots and shows its picture" until_answer /snapshot 200
  check "by the version before" runs "$good"
  check "which says so" says 'spotter-update --status' "^the last update: the update to $HANGS was cut off, $GOOD runs\$"
  check "update: back to the package's" updates --back 0 "$base runs; live cameras: 1"
  check "which runs" runs /usr/bin/spotter
}
