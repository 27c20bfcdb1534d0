#!/bin/sh
# Our JPEG encoder beside OpenCV's, on this machine, on one core. OpenCV comes from a venv below target/.
# An argument names a bench program that is built already; without one it is built here.
set -eu
cd "$(dirname "$0")/.."
if [ ! -x target/venv/bin/python ]; then
    python3 -m venv target/venv
fi
target/venv/bin/python -c 'import cv2, numpy' 2>/dev/null ||
    target/venv/bin/pip install --quiet opencv-python-headless numpy
program=${1:-$(cargo bench --bench encode --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*encode-[^"]*\)".*/\1/p' | tail -n 1)}
exec taskset -c 0 target/venv/bin/python benches/encode_vs_opencv.py "$program"
