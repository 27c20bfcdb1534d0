"""One 1280x720 picture to JPEG at quality 75: Spotter from I420 planes beside OpenCV's imencode from BGR.

Both on one thread, on the same pictures, in turns, in processor time of that thread; both 4:2:0. Prints one line with
the medians and the ratio. `encode_vs_opencv.sh` runs it with what it needs.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np

WIDTH, HEIGHT, QUALITY = 1280, 720, 75
ROUNDS, FRAMES = 9, 100


def bgr(i420):
    """Full-range BT.601, as JPEG means it; OpenCV's own conversion takes limited range."""
    size = WIDTH * HEIGHT
    y = i420[:size].reshape(HEIGHT, WIDTH).astype(np.float32)
    u, v = (
        np.repeat(np.repeat(plane.reshape(HEIGHT // 2, WIDTH // 2), 2, 0), 2, 1).astype(np.float32) - 128
        for plane in (i420[size : size * 5 // 4], i420[size * 5 // 4 :])
    )
    planes = (y + 1.772 * u, y - 0.344136 * u - 0.714136 * v, y + 1.402 * v)
    return np.ascontiguousarray(np.stack(planes, -1).round().clip(0, 255).astype(np.uint8))


def ours(program, path):
    said = subprocess.run([program], env={**os.environ, "SPOTTER_PICTURES": path}, check=True, capture_output=True)
    return json.loads(said.stdout.splitlines()[-1])


def opencv_ms(pictures, options):
    spans = []
    for turn in range(FRAMES + len(pictures)):
        begun = time.thread_time_ns()
        cv2.imencode(".jpg", pictures[turn % len(pictures)], options)
        spans.append(time.thread_time_ns() - begun)
    return statistics.median(spans[len(pictures) :]) / 1e6


def main():
    program = sys.argv[1]
    cv2.setNumThreads(1)
    factor = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pictures.i420")
        said = ours(program, path)
        raw = np.fromfile(path, np.uint8).reshape(-1, WIDTH * HEIGHT * 3 // 2)
        pictures = [bgr(picture) for picture in raw]
        their_bytes = statistics.mean(len(cv2.imencode(".jpg", p, options)[1]) for p in pictures)
        for _ in range(ROUNDS):
            said = ours(program, path)
            rounds.append((said["cold_ms"], opencv_ms(pictures, options)))
    our_ms, their_ms = (statistics.median(r[i] for r in rounds) for i in (0, 1))
    ratio = statistics.median(a / b for a, b in rounds)
    print(
        f"encode {WIDTH}x{HEIGHT} q{QUALITY}: spotter {our_ms:.3f} ms ({said['bytes']} bytes), "
        f"OpenCV {cv2.__version__} {their_ms:.3f} ms ({their_bytes:.0f} bytes), ratio {ratio:.2f} (target <= 0.85); "
        f"cached look {said['hit_ns']:.0f} ns"
    )


main()
