"""One look at a 1280x720 frame with yolo11n-pose at 640: `pose_vs_ultralytics.py FOLDER SPOTTER`.

Three things are held against their targets: all that is ours (everything but inference) on one core; a whole look
against the engine's bare inference, with each engine; a whole look with ONNX Runtime against Ultralytics' predict on
the same file with the same library, in turns. The model has seeded random weights that find something
(tests/parity/models.py), since the time does not depend on what was learnt. Prints a line for each with its ratio, and
how busy the machine was; fails when a target is missed. `pose.sh` runs it with what it needs.
"""

import contextlib
import glob
import io
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import cv2
import onnxruntime
from ultralytics import YOLO

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "parity"))
import models  # noqa: E402

# Many short turns: a machine that others share is half as fast for seconds at a time.
ROUNDS, LOOKS = 16, 12
missed = []


def report(what, value, unit, target):
    """Prints a figure that must not be above its target."""
    over = value > target
    print(f"{what}: {value:.3g}{unit}, target {target}{unit}, ratio {value / target:.2f}{'  MISSED' if over else ''}", flush=True)
    if over:
        missed.append(what)


def prepared(folder, spotter):
    """The model and a picture of the demo."""
    pictures = []
    for n, exercise in enumerate(["squat", "curl", "press", "deadlift", "lunge"]):
        path = folder / f"{exercise}.png"
        jpeg = path.with_suffix(".jpg")
        subprocess.run([spotter, "snapshot", f"demo:{exercise}?size=1280x720&seed={n}", "-q", "95", "-o", jpeg], check=True)
        pictures.append(cv2.imread(str(jpeg)))
        cv2.imwrite(str(path), pictures[-1])
    models.MODELS = [model for model in models.MODELS if model[0] == "11-640"]
    with contextlib.redirect_stdout(io.StringIO()):
        [(_, model, _)] = models.make(folder, pictures)
    return model, folder / "squat.png"


def bench(spotter, image, model, *options, core=None):
    command = [spotter, "bench", "pose", image, "--model", model, "--looks", str(LOOKS), "--json", *options]
    pinned = ["taskset", "-c", str(core)] if core is not None else []
    return json.loads(subprocess.run([*pinned, *command], check=True, capture_output=True).stdout)


def predict_ms(model, picture):
    """The median of its whole predict, as a program would call it."""
    spans = []
    for _ in range(LOOKS):
        begun = time.perf_counter_ns()
        model.predict(picture, imgsz=640, device="cpu", verbose=False)
        spans.append(time.perf_counter_ns() - begun)
    return statistics.median(spans) / 1e6


def main():
    folder, spotter = Path(sys.argv[1]).resolve(), str(Path(sys.argv[2]).resolve())
    # The export leaves its first file where it runs.
    os.chdir(folder)
    model, image = prepared(folder, spotter)
    [library] = glob.glob(os.path.join(os.path.dirname(onnxruntime.__file__), "capi", "libonnxruntime.so*"))
    ours = ("--engine", "onnxruntime", "--onnxruntime", library)
    picture, theirs = cv2.imread(str(image)), YOLO(model, task="pose")
    people = len(theirs.predict(picture, imgsz=640, device="cpu", verbose=False)[0].boxes)
    predict_ms(theirs, picture)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {people} people are found")
    alone, cpu, rounds = [], [], []
    for _ in range(ROUNDS):
        alone.append(bench(spotter, image, model, "--engine", "cpu", "--threads", "1", core=0))
        cpu.append(bench(spotter, image, model, "--engine", "cpu"))
        rounds.append((bench(spotter, image, model, *ours), predict_ms(theirs, picture)))
    if onnxruntime.__version__ not in rounds[0][0]["engine_why"]:
        sys.exit(f"two versions of ONNX Runtime: {onnxruntime.__version__} and {rounds[0][0]['engine_why']}")
    median = lambda values: statistics.median(list(values))  # noqa: E731
    shown = median(r["total_ms"] for r, _ in rounds), median(p for _, p in rounds), median(c["total_ms"] for c in cpu)
    print("a whole look: onnxruntime {:.1f} ms, Ultralytics {:.1f} ms, cpu {:.1f} ms".format(*shown))
    report("all but inference, one core", median(a["preprocess_ms"] + a["decode_ms"] for a in alone), " ms", 2.5)
    report("a whole look over bare inference, cpu", median(c["total_ms"] / c["bare_ms"] for c in cpu), "", 1.06)
    report("the same, onnxruntime", median(r["total_ms"] / r["bare_ms"] for r, _ in rounds), "", 1.06)
    report("a whole look over Ultralytics' predict", median(r["total_ms"] / p for r, p in rounds), "", 0.9)
    print(f"load at the end {os.getloadavg()[0]:.1f}")
    if missed:
        sys.exit(f"missed: {', '.join(missed)}")


main()
