#!/bin/sh
# Where the time of one look goes, and our whole look beside Ultralytics' predict on the same model with the same ONNX Runtime:
# `benches/pose.sh SPOTTER`, the release binary. PYTHON names an interpreter that has what tests/parity/requirements.txt
# lists; without it an environment is made below target/, which fetches gigabytes.
set -eu
cd "$(dirname "$0")/.."
spotter=${1:?the release binary}
folder=$PWD/target/bench-pose
mkdir -p "$folder"
if [ -z "${PYTHON:-}" ]; then
    venv=$PWD/target/parity/venv
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement tests/parity/requirements.txt
    PYTHON=$venv/bin/python
fi
PYTHONDONTWRITEBYTECODE=1 YOLO_OFFLINE=true exec "$PYTHON" benches/pose_vs_ultralytics.py "$folder" "$spotter"
