"""What the contract suite tries WindowData on, and examples of its use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from caffe_core.testing import Case

_WINDOWS = """
# 0
photo.png
3
20
30
4
5 0.9 4 3 17 15
2 0.7 0 0 29 19
0 0.1 12 6 25 18
0 0 20 10 29 19
"""


def write_windows(folder: Path) -> None:
    """Write a PNG file (20, 30) of random pixels, and ``windows.txt`` with four windows of it."""
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    (folder / "photos").mkdir()
    Image.fromarray(pixels).save(folder / "photos" / "photo.png")
    (folder / "windows.txt").write_text(_WINDOWS)


_SOURCE = 'source: "windows.txt" root_folder: "photos/" batch_size: 4 fg_fraction: 0.5'

CASES = [
    Case(
        f"window_data_param {{ {_SOURCE} }} transform_param {{ crop_size: 8 }}",
        bottom=[],
        tops=2,
        files=write_windows,
        note="two background windows, then two of objects, warped",
    ),
    Case(
        f'window_data_param {{ {_SOURCE} crop_mode: "square" context_pad: 2 scale: 0.5 }}'
        " transform_param { crop_size: 12 mirror: true mean_value: 100 }",
        bottom=[],
        tops=2,
        files=write_windows,
        note="their shape is kept, with two pixels of what is around them",
    ),
    Case(
        f"window_data_param {{ {_SOURCE} context_pad: 1 cache_images: true }}"
        " transform_param { crop_size: 6 mean_value: 104 mean_value: 117 mean_value: 123 }",
        bottom=[],
        phase="TEST",
        files=write_windows,
        note="image files are read from disk once",
    ),
]
