#!/usr/bin/env bash
# Every promised speed on this machine, each beside what it is held against; the last lines name what was missed.
# `benches/all.sh SPOTTER`, the release binary. Run it on a machine that does nothing else.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
spotter=${1:?the release binary}
missed=()

step() { # NAME COMMAND...
  local name=$1
  shift
  printf '\n== %s\n' "$name"
  "$@" || missed+=("$name")
}

# field JSON NAME
field() { sed -n "s/.*\"$2\":\([-0-9.e]*\).*/\1/p" <<<"$1"; }

# bound WHAT VALUE least|most TARGET: prints the figure with its ratio to the target and fails when it is on the wrong side.
bound() {
  awk -v what="$1" -v value="$2" -v way="$3" -v target="$4" 'BEGIN {
    ok = value != "" && (way == "most" ? value <= target : value >= target)
    printf "%s: %.4g, at %s %g, ratio %.2f%s\n", what, value, way, target, value / target, ok ? "" : "  MISSED"
    exit !ok }'
}

cached() {
  local out
  out=$("$spotter" bench encode --json) && echo "$out" && bound "cached snapshot inside the process, ns" "$(field "$out" hit_ns)" most 50
}

pipeline() { # FPS INFER_MS
  local out bad=0
  out=$("$spotter" bench pipeline --camera-fps "$1" --infer-ms "$2" --seconds 15 --json) || return 1
  echo "$out"
  if [ "$2" = 100 ]; then
    bound "published, fps" "$(field "$out" publish_fps)" least 14.9 || bad=1
    bound "pose, fps" "$(field "$out" pose_fps)" least 9.8 || bad=1
  else
    bound "pose, fps" "$(field "$out" pose_fps)" least 4.9 || bad=1
  fi
  bound "age at the start of inference, p99, ms" "$(field "$out" age_ms_p99)" most "$(awk -v f="$1" 'BEGIN { print 1200 / f }')" || bad=1
  return "$bad"
}

# What following and counting cost at thirty frames a second, on poses that the embedded model really saw, 7.5 a second.
workout() {
  local out
  out=$("$spotter" bench workout tests/golden/demo_squat.jsonl --between 3 --json) && echo "$out" &&
    bound "follow and count, one frame, microseconds" "$(field "$out" update_us)" most 20
}

# How soon a lost RTSP camera's picture is gone, and how soon it is there again; stall_s is 5 and 2 in these tests.
recovery() {
  local out bad=0 lost back
  cargo build --locked --quiet --example rtsp_server || return 1
  out=$(SPOTTER_CYCLES=20 cargo test --locked --test box_rtsp -- --nocapture --test-threads 1 cycles halted 2>/dev/null) || bad=1
  grep -E 'lost_ms' <<<"$out" || return 1
  while read -r lost back; do
    bound "picture gone after the server died or halted, ms" "${lost#*=}" most 3000 || bad=1
    bound "picture back after the server answers again, ms" "${back#*=}" most 2000 || bad=1
  done < <(grep -oE 'lost_ms=[0-9]+ back_ms=[0-9]+' <<<"$out")
  return "$bad"
}

step "mailbox beside its rivals" cargo bench --locked --bench mailbox -- --ratios
step "cached snapshot" cached
step "encode beside OpenCV" benches/encode_vs_opencv.sh
step "pipeline, 15 fps, 100 ms" pipeline 15 100
step "pipeline, 60 fps, 200 ms" pipeline 60 200
step "follow and count" workout
step "HTTP beside nginx" benches/http.sh "$spotter" bench http --seconds 600
step "recovery" recovery
step "the count, a thousand sets" make --no-print-directory test-counting
cargo build --release --locked --example viewers
step "the whole box" python3 benches/box.py "$spotter" target/release/examples/viewers

if [ "${#missed[@]}" -gt 0 ]; then
  printf '\nmissed: %s\n' "${missed[*]}"
  exit 1
fi
printf '\nevery target was reached\n'
