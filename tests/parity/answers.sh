#!/usr/bin/env bash
# What we see in pictures, and how we read models' raw answers, against Ultralytics' own:
# `tests/parity/answers.sh [BINARY [MODEL.onnx ...]]`.
#
# BINARY draws the demo pictures; a MODEL is compared beside those that are made. Everything lies in target/parity and is
# made once; nothing of it is kept in the repository. PYTHON names an interpreter that has what requirements.txt lists;
# without it an environment is made.
set -euo pipefail

cd "$(dirname "$0")/../.."
folder=$PWD/target/parity
binary=${1:-target/release/spotter}
if [ ! -x "$binary" ]; then
  printf 'there is no program %s; build it, or name another\n' "$binary" >&2
  exit 1
fi
mkdir -p "$folder"
if [ -z "${PYTHON:-}" ]; then
  [ -x "$folder/venv/bin/python" ] || python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --quiet --requirement tests/parity/requirements.txt
  PYTHON=$folder/venv/bin/python
fi
PYTHONDONTWRITEBYTECODE=1 YOLO_OFFLINE=true "$PYTHON" tests/parity/expected.py "$folder" "$binary" "${@:2}" >"$folder/log"
grep 'poses in' "$folder/log"
cargo test --locked --test parity -- --ignored --nocapture
