"""What the contract suite tries ImageData on, and examples of its use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from caffe_core.testing import Case


def write_images(folder: Path) -> None:
    """Write five PNG files (6, 5) of random pixels and ``list.txt``, with labels 0 to 4."""
    rng = np.random.default_rng(0)
    (folder / "photos").mkdir()
    for label in range(5):
        pixels = rng.integers(0, 256, (6, 5, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{label}.png")
    (folder / "list.txt").write_text("".join(f"{label}.png {label}\n" for label in range(5)))


_SOURCE = 'source: "list.txt" root_folder: "photos/"'

CASES = [
    Case(
        f"image_data_param {{ {_SOURCE} batch_size: 3 }}",
        bottom=[],
        tops=2,
        files=write_images,
        note="images and labels",
    ),
    Case(
        f"image_data_param {{ {_SOURCE} batch_size: 2 shuffle: true rand_skip: 4 }}"
        " transform_param { crop_size: 4 mirror: true }",
        bottom=[],
        tops=2,
        files=write_images,
        note="in random order, with random crops and mirror images in TRAIN",
    ),
    Case(
        f"image_data_param {{ {_SOURCE} new_height: 8 new_width: 9 is_color: false }}"
        " transform_param { mean_value: 100 scale: 0.5 }",
        bottom=[],
        phase="TEST",
        files=write_images,
        note="gray images, one at a time, resized",
    ),
    Case(
        f"image_data_param {{ {_SOURCE} }}",
        bottom=[],
        phase="TEST",
        files=write_images,
        note="one image at a time may have any size",
    ),
]
