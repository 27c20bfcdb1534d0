"""What Ultralytics finds in picture files, the tensors it looked at and the raw answers it found it in.

Into the folder given: pictures/*, models/*.onnx, for each model and picture cases/MODEL/PICTURE.json with the sizes and
the expected poses, beside PICTURE.f32 with the raw answer as little-endian float32; and for each input's size and picture
tensors/WIDTHxHEIGHT/PICTURE.u8 with three planes of what the model was given, 0 to 255. Names in `pictures` end in what
OpenCV reads them by.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

import models

SIZES = [
    (1280, 720), (640, 480), (1920, 1080), (480, 640), (720, 1280), (640, 640), (641, 479), (1000, 639), (333, 777),
    (320, 240), (100, 50), (800, 600), (1600, 400), (257, 512),
]
DEMO = [
    ("squat", "1280x720"), ("squat", "640x480"), ("press", "1280x720"), ("curl", "960x540"), ("deadlift", "800x600"),
    ("squat", "320x240"),
]
# Quality and the places of chroma.
JPEG = [(95, 444), (90, 422), (85, 420)]


def synthetic(size, seed):
    """Soft colours, a few figures with edges, a little noise."""
    rng = np.random.default_rng(seed)
    width, height = size
    picture = cv2.resize(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8), size, interpolation=cv2.INTER_CUBIC)
    for _ in range(14):
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        axes = (int(rng.integers(4, max(5, width // 6))), int(rng.integers(4, max(5, height // 4))))
        cv2.ellipse(picture, centre, axes, float(rng.integers(180)), 0, 360, colour, -1)
        end = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.line(picture, centre, end, colour, max(1, width // 60))
    return np.clip(picture + rng.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)


def make_pictures(folder, spotter):
    """Writes them; returns path and pixels of each."""
    for n, size in enumerate(SIZES):
        path = folder / f"drawn-{n:02}-{size[0]}x{size[1]}.png"
        if not path.exists():
            cv2.imwrite(str(path), synthetic(size, n))
    for n, (what, size) in enumerate(DEMO):
        path = folder / f"demo-{n}-{what}-{size}.png"
        if path.exists():
            continue
        jpeg = folder.parent / "demo.jpg"
        source = f"demo:{what}?size={size}"
        subprocess.run([spotter, "snapshot", source, "-o", str(jpeg)], check=True)
        cv2.imwrite(str(path), cv2.imread(str(jpeg)))
    for n, (quality, sampling) in enumerate(JPEG):
        path = folder / f"jpeg-{n}-{quality}-{sampling}.jpg"
        if not path.exists():
            factor = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{sampling}")
            options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
            cv2.imwrite(str(path), synthetic((1111 - n * 100, 640 + n), 50 + n), options)
    return [(path, cv2.imread(str(path))) for path in sorted(folder.iterdir())]


def opened(path, sides):
    """A model that has looked once, and how it is to be asked."""
    from ultralytics import YOLO

    model = YOLO(str(path), task="pose")
    options = {"conf": 0.25, "iou": 0.7, "max_det": 300, "imgsz": sides, "verbose": False, "device": "cpu"}
    model.predict(np.zeros((32, 32, 3), np.uint8), **options)
    names = model.predictor.model.names
    options["classes"] = [next(key for key, name in names.items() if name == "person")]
    return model, options


def poses_of(result):
    """As `spotter pose --json` has them."""
    boxes, points = result.boxes.data.numpy(), result.keypoints.data.numpy()
    return [
        {"score": float(box[4]), "bbox": box[:4].tolist(), "keypoints": person_points.tolist()}
        for box, person_points in zip(boxes, points)
    ]


def look(path, sides, pictures, folder, tensors):
    """Runs one model over all picture files and writes its cases, and the tensors."""
    model, options = opened(path, sides)
    wide = models.wide(path)
    wide_model = opened(wide, sides)[0] if wide.exists() else None
    inner, before, stash = model.predictor.inference, model.predictor.preprocess, {}

    def inference(*given, **more):
        answer = inner(*given, **more)
        # A float16 answer is post-processed in float32, as ours is: float16 has steps of half a pixel from 512 on.
        answer = (answer[0] if isinstance(answer, (list, tuple)) else answer).float()
        stash["raw"] = answer.numpy().copy()
        return answer

    def preprocess(*given):
        tensor = before(*given)
        stash["tensor"] = (tensor.float() * 255).round().byte().numpy()
        return tensor

    model.predictor.inference, model.predictor.preprocess = inference, preprocess
    tensors = tensors / f"{sides[1]}x{sides[0]}"
    for made in (folder, tensors):
        made.mkdir(parents=True, exist_ok=True)
    found = 0
    for picture, pixels in pictures:
        result = model.predict(str(picture), **options)[0]
        height, width = pixels.shape[:2]
        case = {"width": width, "height": height, "poses": poses_of(result), "picture": str(picture)}
        found += len(case["poses"])
        if wide_model:
            case["wide"] = {"poses": poses_of(wide_model.predict(str(picture), **options)[0])}
        (folder / f"{picture.stem}.json").write_text(json.dumps(case))
        stash["raw"].astype("<f4").tofile(folder / f"{picture.stem}.f32")
        stash["tensor"].tofile(tensors / f"{picture.stem}.u8")
    return found


def main():
    folder, spotter = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    extra = [Path(given).resolve() for given in sys.argv[3:]]
    for part in ("pictures", "models", "cases", "work"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    pictures = make_pictures(folder / "pictures", str(spotter))
    # Exporters leave their by-products where they are called from.
    os.chdir(folder / "work")
    made = models.make(folder / "models", [pixels for _, pixels in pictures])
    for given in extra:
        path = folder / "models" / given.name
        shutil.copy(given, path)
        made.append((path.stem, path, None))
    for name, path, sides in made:
        if sides is None:
            import onnx

            sides = tuple(d.dim_value for d in onnx.load(path).graph.input[0].type.tensor_type.shape.dim[2:])
        found = look(path, sides, pictures, folder / "cases" / name, folder / "tensors")
        print(f"{name}: {found} poses in {len(pictures)} pictures", flush=True)


if __name__ == "__main__":
    main()
