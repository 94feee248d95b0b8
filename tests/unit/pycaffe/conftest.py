"""A small net that tells stripes apart, trained for the tests."""

from __future__ import annotations

from types import SimpleNamespace

import caffe
import numpy as np
import pytest
from PIL import Image

LAYERS = """
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 6 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param { pool: AVE global_pooling: true } }
layer { name: "score" type: "InnerProduct" bottom: "pool" top: "score"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
"""
TRAIN = """
layer { name: "in" type: "Input" top: "data" top: "label"
  input_param { shape { dim: 24 dim: 3 dim: 12 dim: 12 } shape { dim: 24 } } }
%s
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }
"""
DEPLOY = """
name: "stripes"
layer { name: "in" type: "Input" top: "data"
  input_param { shape { dim: 4 dim: 3 dim: 12 dim: 12 } } }
%s
layer { name: "prob" type: "Softmax" bottom: "score" top: "prob" }
"""
NAMES = ("flat", "rows", "columns")


def stripes(kind, rng, size=16):
    """An image from 0 to 1, ``(size, size, 3)``: 0 flat, 1 stripes across, 2 stripes down."""
    wave = 0.5 + 0.5 * np.sign(np.sin(np.arange(size) * np.pi / 2 + 0.1))
    image = rng.uniform(0, 0.2, (size, size, 3)) + 0.3
    if kind == 1:
        image += 0.4 * wave[:, None, None]
    if kind == 2:
        image += 0.4 * wave[None, :, None]
    return image.astype(np.float32)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Files of a net that was trained on stripes: definition, weights, names and images."""
    folder = tmp_path_factory.mktemp("stripes")
    solver = caffe.get_solver(
        "net_param { %s } base_lr: 0.2 lr_policy: 'fixed' momentum: 0.9 random_seed: 2 type: 'SGD' "
        "solver_mode: CPU" % (TRAIN % LAYERS)
    )
    rng = np.random.default_rng(0)
    for _ in range(150):
        labels = rng.integers(0, 3, 24)
        batch = [stripes(kind, rng, 12).transpose(2, 0, 1)[::-1] * 2 - 1 for kind in labels]
        solver.net.blobs["data"].data[...] = batch
        solver.net.blobs["label"].data[...] = labels
        solver.step(1)
    assert solver.losses[-1] < 0.1
    (folder / "deploy.prototxt").write_text(DEPLOY % LAYERS)
    solver.net.save(folder / "stripes.caffemodel")
    (folder / "names.txt").write_text("\n".join(NAMES))
    for index, name in enumerate(NAMES):
        pixels = (stripes(index, rng) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return SimpleNamespace(
        folder=folder,
        model=str(folder / "deploy.prototxt"),
        weights=str(folder / "stripes.caffemodel"),
        images=[str(folder / f"{name}.png") for name in NAMES],
    )


@pytest.fixture
def takes():
    """What the net takes: BGR, from -1 to 1."""
    return {"raw_scale": 2.0, "mean": np.ones(3), "channel_swap": (2, 1, 0)}
