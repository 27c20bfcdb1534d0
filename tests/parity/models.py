"""Pose models of the YOLO family with seeded random weights, scaled so that they find something, exported to ONNX.

They know nothing of people. What counts is that their answers have the layout, the spread of scores and the many
doubles of a trained model. Batch norms are fitted to the pictures, then the last convolutions are scaled: box sides of
a few strides, points around the box, and a score above the threshold for about one place in 300. Such a network is
chaotic: half a grey level of noise in the picture moves its scores by tenths, and the order in which an engine adds
moves them by ten-thousandths. So the picture must become the same tensor to the last bit, or nothing is alike.
"""

import shutil
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from onnxruntime.transformers import float16
from ultralytics import YOLO
from ultralytics.nn.tasks import PoseModel

# Name, architecture, input height and width, what is asked of the export.
MODELS = [
    ("v8-640", "yolov8n-pose.yaml", (640, 640), {}),
    ("11-640", "yolo11n-pose.yaml", (640, 640), {}),
    ("11-320", "yolo11n-pose.yaml", (320, 320), {}),
    ("11-384x640", "yolo11n-pose.yaml", (384, 640), {}),
    ("11-nms", "yolo11n-pose.yaml", (640, 640), {"nms": True}),
    ("26-640-end2end", "yolo26n-pose.yaml", (640, 640), {"nms": False}),
    ("26-640-channels", "yolo26n-pose.yaml", (640, 640), {}),
    ("11-640-half", "yolo11n-pose.yaml", (640, 640), {"half_weights": True}),
    ("11-two-classes", "yolo11n-pose.yaml", (320, 320), {"names": ["dog", "person"]}),
]
SEED = 20
FOUND = 0.997


def calibration(pictures):
    """A batch of 320 by 320 crops, as the models take them."""
    batch = [cv2.resize(picture, (320, 320))[..., ::-1].transpose(2, 0, 1) / 255.0 for picture in pictures[::2]]
    return torch.tensor(np.stack(batch), dtype=torch.float32)


def scale(convolution, output, spread, centre=None, quantile=None):
    """Gives the last convolution's output this spread, and this centre or this quantile at the threshold."""
    factor = spread / max(float(output.std()), 1e-9)
    shifted = (output - convolution.bias.view(1, -1, 1, 1)) * factor
    with torch.no_grad():
        convolution.weight.mul_(factor)
        if quantile is None:
            convolution.bias.copy_(centre - shifted.mean((0, 2, 3)))
        else:
            flat = shifted.transpose(0, 1).flatten(1)
            convolution.bias.copy_(float(np.log(0.25 / 0.75)) - flat.quantile(quantile, dim=1))


def fit(network, batch, calm):
    """Fits batch norms, then the heads; `calm` is a share of the usual spread of scores and points."""
    head = network.model[-1]
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    network.train()
    with torch.no_grad():
        network(batch)
    network.eval()
    kinds = {"cv2": "box", "cv3": "score", "cv4": "points", "cv4_kpts": "points"}
    outputs, hooks, lasts = {}, [], []
    for name, kind in kinds.items():
        for list_name in (name, f"one2one_{name}"):
            for branch in getattr(head, list_name, None) or []:
                last = branch[-1] if isinstance(branch, torch.nn.Sequential) else branch
                if not isinstance(last, torch.nn.Conv2d):
                    continue
                lasts.append((kind, last))
                hooks.append(last.register_forward_hook(lambda m, _, out: outputs.__setitem__(m, out)))
    # The end-to-end head runs alone in eval mode, both run in train mode; batch norms must not move any more.
    network.train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    with torch.no_grad():
        network(batch)
    for hook in hooks:
        hook.remove()
    for kind, last in lasts:
        if kind == "box":
            # 16 bins for each side, or the side itself.
            spread, centre = (1.5, 0.0) if last.out_channels > 4 else (0.7, 4.0)
            scale(last, outputs[last], spread, centre=centre)
        elif kind == "score":
            scale(last, outputs[last], 1.2 * calm, quantile=FOUND)
        else:
            scale(last, outputs[last], 2.0 * calm, centre=0.0)
    network.eval()


def wide(path):
    """Where the 32 bit graph with the weights of a 16 bit model lies."""
    return path.parent.parent / "work" / f"{path.stem}-wide.onnx"


def widened(graph, half):
    """The 32 bit graph with the weights of the 16 bit one."""
    weights = {weight.name: weight for weight in half.graph.initializer}
    for weight in graph.graph.initializer:
        rounded = onnx.numpy_helper.to_array(weights[weight.name])
        if rounded.dtype == np.float16:
            weight.CopyFrom(onnx.numpy_helper.from_array(rounded.astype(np.float32), weight.name))
    return graph


def make(folder: Path, pictures):
    """Exports all models into `folder`; returns name and path of each."""
    batch, made = calibration(pictures), []
    for name, architecture, (height, width), asked in MODELS:
        path = folder / f"{name}.onnx"
        made.append((name, path, (height, width)))
        if path.exists():
            continue
        torch.manual_seed(SEED)
        model = YOLO(architecture, task="pose")
        names = asked.get("names", ["person"])
        # The architecture file says 80 classes.
        network = PoseModel(architecture, nc=len(names), data_kpt_shape=(17, 3), verbose=False)
        network.args, network.task = model.model.args, "pose"
        network.names = dict(enumerate(names))
        model.model = network
        # Version 26 is the most chaotic of them: its scores move three times as far.
        fit(model.model, batch, 0.4 if "26" in architecture else 1.0)
        options = {key: asked[key] for key in ("nms",) if key in asked}
        if options.get("nms"):
            options |= {"conf": 0.25, "iou": 0.7, "max_det": 300}
        written = model.export(format="onnx", imgsz=(height, width), simplify=True, device="cpu", **options)
        if asked.get("half_weights"):
            half = float16.convert_float_to_float16(onnx.load(written), keep_io_types=False)
            onnx.save(half, path)
            onnx.save(widened(onnx.load(written), half), wide(path))
        else:
            shutil.copy(written, path)
    return made
