#!/bin/bash
# In the guest, after the library's checks: the real binary on vivid's webcam, from the probe to an unplug seen over
# HTTP. `box.sh SPOTTER` prints a line for each check.
set -u
spotter=$1
url=http://127.0.0.1:8080
camera=$url/api/v1/cameras/rack
failed=0

check() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then echo "ok the box: $what"; else echo "FAILED the box: $what"; failed=1; fi
}

status() { curl -s -o /run/answer -w '%{http_code}' "$1"; }

# until_status URL CODE: asks again until it is that, for 20 s at most.
until_status() {
  local end=$((SECONDS + 20))
  while [ "$SECONDS" -lt "$end" ]; do
    [ "$(status "$1")" = "$2" ] && return 0
    sleep 0.1
  done
  echo "note: $1 still answers $(status "$1"): $(head -c 300 /run/answer)"
  return 1
}

says() { grep -q "$1" /run/answer || { echo "note: $(head -c 300 /run/answer)"; return 1; }; }
is_jpeg() { [ "$(head -c 2 "$1" | od -An -tx1 | tr -d ' ')" = ffd8 ]; }
probe_names_it() { "$spotter" probe --json | grep -q '"uri": "v4l2:/dev/video0'; }
one_snapshot() { "$spotter" snapshot v4l2:/dev/video0 -o /run/one.jpg && is_jpeg /run/one.jpg; }
refuses() { ! "$spotter" snapshot "$1" -o /run/none.jpg 2>/run/answer && says "$2" && [ ! -e /run/none.jpg ]; }

# The checks before this one have moved the numbers.
echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind
echo vivid.0 >/sys/bus/platform/drivers/vivid/bind

check "probe gives a source line" probe_names_it
check "snapshot takes a picture" one_snapshot
check "a missing device is one sentence" refuses v4l2:/dev/video77 "there is no /dev/video77"

"$spotter" run --camera rack=v4l2:/dev/video0 --data-dir /run >/run/box.out 2>/run/box.log &
box=$!
check "a picture over HTTP" until_status "$camera/snapshot" 200
check "it is a JPEG" is_jpeg /run/answer
check "a second program is told who has the camera" refuses v4l2:/dev/video0 "is in use by spotter"
echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind
check "unplugged: 404" until_status "$camera/snapshot" 404
check "unplugged: with its sentence" says "there is no /dev/video0"
echo vivid.0 >/sys/bus/platform/drivers/vivid/bind
check "plugged in again: a picture" until_status "$camera/snapshot" 200
kill "$box"
wait "$box"
check "it ended in order" test $? = 0
[ "$failed" = 0 ] || tail -n 20 /run/box.log
exit "$failed"
