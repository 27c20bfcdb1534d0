"""Makes standin.onnx: no pose model but a stand-in for one, which sees the same two people in every picture.

Its answer is laid out as a real model's, (1, 56, places) for an input of 64 by 64, so that the box reads, scales and
follows it by the very code that a trained model goes through; but what the picture shows plays no part. The tests of the
pages know from here to the pixel where a skeleton must lie. In a picture of 640 by 360 one pixel of the input is ten, and
14 rows of padding lie above: (x, y) comes out at (10 x, 10 (y - 14)).

    pip install onnx numpy && python3 standin.py
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE, PLACES = 64, 84
# In the order of COCO: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles; left before right.
ATHLETE = [
    (32, 20), (33, 19), (31, 19), (34, 20), (30, 20), (36, 25), (28, 25), (40, 29), (24, 29),
    (43, 24), (21, 24), (35, 36), (29, 36), (36, 41), (28, 41), (36, 47), (28, 47),
]  # fmt: skip
# Smaller, at the edge, and his left arm is not seen: its points are below every threshold.
GUEST = [(x / 2 - 6, (y - 20) / 2 + 24) for x, y in ATHLETE]
HIDDEN = {7, 9}


def column(points, score, hidden=frozenset()):
    xs, ys = zip(*points)
    left, right, top, bottom = min(xs) - 2, max(xs) + 2, min(ys) - 2, max(ys) + 1
    box = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top, score]
    return box + [v for n, (x, y) in enumerate(points) for v in (x, y, 0.1 if n in hidden else 0.9)]


answer = np.zeros((1, 56, PLACES), np.float32)
answer[0, :, 0] = column(ATHLETE, 0.9)
answer[0, :, 1] = column(GUEST, 0.8, HIDDEN)

# The input is asked for, and counts for nothing: times zero. A graph without it would be folded to a constant.
graph = helper.make_graph(
    [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Reshape", ["mean", "one"], ["single"]),
        helper.make_node("Mul", ["single", "zero"], ["nothing"]),
        helper.make_node("Add", ["people", "nothing"], ["output0"]),
    ],
    "standin",
    [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
    [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 56, PLACES])],
    [
        numpy_helper.from_array(answer, "people"),
        numpy_helper.from_array(np.array([1, 1, 1], np.int64), "one"),
        numpy_helper.from_array(np.zeros((1, 1, 1), np.float32), "zero"),
    ],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)
helper.set_model_props(model, {"task": "pose", "kpt_shape": "[17, 3]", "names": "{0: 'person'}"})
onnx.checker.check_model(model)
Path(__file__).with_name("standin.onnx").write_bytes(model.SerializeToString())
