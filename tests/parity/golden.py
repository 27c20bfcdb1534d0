"""What OpenCV makes of small pictures: `golden.py FILE` writes what src/pose/preprocess/tests.rs holds ours against.

For each of SIZES a picture of seeded noise, scaled with INTER_LINEAR; rows of R, G, B, one picture after the other.
"""

import sys

import cv2
import numpy as np

# The picture's pixels across and down, and what they are scaled to.
SIZES = [((37, 23), (32, 20)), ((20, 50), (13, 32)), ((64, 36), (32, 18)), ((7, 5), (32, 23)), ((96, 30), (32, 10))]


def noise(width, height):
    """The same numbers as the test makes."""
    y, x, plane = np.meshgrid(*[np.arange(n, dtype=np.uint32) for n in (height, width, 3)], indexing="ij")
    mixed = x * np.uint32(0x9E3779B1) ^ y * np.uint32(0x85EBCA77) ^ plane * np.uint32(0xC2B2AE3D)
    return (mixed * np.uint32(0x2C1B3C6D) >> np.uint32(24)).astype(np.uint8)


with open(sys.argv[1], "wb") as out:
    for size, scaled in SIZES:
        out.write(cv2.resize(noise(*size), scaled, interpolation=cv2.INTER_LINEAR).tobytes())
