"""What the contract suite tries Data on, and examples of its use."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from caffe_core import registry
from caffe_core.data import datum
from caffe_core.testing import Case


def write_images(folder: Path) -> None:
    """Write seven images (3, 6, 5) of random pixels, labelled 0 to 6, to the LMDB ``images``."""
    rng = np.random.default_rng(0)
    with registry.sources["LMDB"].create(str(folder / "images")) as writer:
        for label in range(7):
            image = datum.from_array(rng.integers(0, 256, (3, 6, 5), np.uint8), label)
            writer.put(b"%08d" % label, image.SerializeToString())


_SOURCE = 'data_param { source: "images" backend: LMDB batch_size: 3 }'

CASES = [
    Case(_SOURCE, bottom=[], tops=2, files=write_images, note="images and labels"),
    Case(
        f"{_SOURCE} transform_param {{ scale: 0.5 mean_value: 100 crop_size: 4 mirror: true }}",
        bottom=[],
        files=write_images,
        note="random crops and mirror images in TRAIN",
    ),
    Case(
        f"{_SOURCE} transform_param {{ crop_size: 4 }}",
        bottom=[],
        phase="TEST",
        files=write_images,
        note="the centre in TEST",
    ),
]
