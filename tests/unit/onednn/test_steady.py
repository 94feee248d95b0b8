"""What a steady training iteration does not do: allocate arrays, or copy what the plan has not."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

pytest.importorskip("caffe_engine_onednn")

from caffe_engine_onednn.library import missing
from caffe_engine_onednn.primitive import Primitive

from caffe_core.solver import Solver

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

SOLVER = """
net_param {
  layer { name: "in" type: "Input" top: "x" top: "label"
    input_param { shape { dim: %d dim: %d dim: %d dim: %d } shape { dim: %d } } }
  %s
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
}
base_lr: 0.01 lr_policy: "inv" gamma: 0.0001 power: 0.75 momentum: 0.9 weight_decay: 0.0005
random_seed: 5 solver_mode: CPU type: "%s"
"""
LENET = """
layer { name: "conv1" type: "Convolution" bottom: "x" top: "conv1"
  convolution_param { num_output: 20 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
  pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
  convolution_param { num_output: 50 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2"
  pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1"
  inner_product_param { num_output: 500 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
"""
RESIDUAL = """
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
  convolution_param { num_output: 32 kernel_size: 3 pad: 1 weight_filler { type: "msra" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "norm" type: "LRN" bottom: "conv" top: "norm" }
layer { name: "next" type: "Convolution" bottom: "norm" top: "next"
  convolution_param { num_output: 32 kernel_size: 3 pad: 1 weight_filler { type: "msra" } } }
layer { name: "sum" type: "Eltwise" bottom: "norm" bottom: "next" top: "sum" }
layer { name: "cat" type: "Concat" bottom: "sum" bottom: "next" top: "cat" }
layer { name: "drop" type: "Dropout" bottom: "cat" top: "cat" }
layer { name: "pool" type: "Pooling" bottom: "cat" top: "pool"
  pooling_param { pool: AVE global_pooling: true } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
"""
CASES = {
    "lenet": (LENET, (32, 1, 28, 28), "SGD"),
    "residual": (RESIDUAL, (16, 3, 32, 32), "Adam"),
}
LARGEST = 100_000  # bytes; the smallest activations of these nets that matter are larger


def solver_of(case, **options):
    layers, shape, rule = CASES[case]
    solver = Solver(SOLVER % (*shape, shape[0], layers, rule), **options)
    feed(solver, 0)
    return solver


def feed(solver, seed):
    rng = np.random.default_rng(seed)
    x, label = solver.net.blobs["x"], solver.net.blobs["label"]
    x.data[...] = rng.standard_normal(x.shape)
    label.data[...] = rng.integers(0, 10, label.shape)


def feed_bumps(solver, seed):
    """Feed images of one smooth bump each, at a place that depends on its class."""
    rng = np.random.default_rng(seed)
    x, label = solver.net.blobs["x"], solver.net.blobs["label"]
    classes = rng.integers(0, 10, label.shape)
    row, column = np.divmod(classes, 4) * np.array([[7], [6]]) + rng.normal(5, 1, (2, len(classes)))
    places = np.arange(28.0)
    rows, columns = (np.exp(-(((places - at[:, None]) / 4) ** 2)) for at in (row, column))
    x.data[:, 0] = rows[:, :, None] * columns[:, None, :]
    label.data[...] = classes


@pytest.mark.parametrize("keep", [None, ()])
@pytest.mark.parametrize("case", CASES)
def test_an_iteration_allocates_no_array(case, keep):
    solver = solver_of(case, keep=keep)
    solver.step(3)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        solver.step(2)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < LARGEST
    assert after - before < 20_000


@pytest.mark.parametrize("case", CASES)
def test_an_iteration_copies_only_what_the_plan_lists(case, monkeypatch):
    solver = solver_of(case)
    solver.step(2)
    copies = []

    def run(self):
        if self.recipe.kind == "reorder":
            copies.append(self)
        call(self)

    call = Primitive.__call__
    monkeypatch.setattr(Primitive, "__call__", run)
    solver.step(1)
    listed = solver.net.copies
    learned = {"a learned blob is packed when it has changed"}
    packed = [line for line in listed if line.split(": ")[1] in learned]
    assert copies, "these nets pack weights"
    # Weights are packed for forward and for backward, so each of those lines stands for two.
    assert len(copies) <= len(listed) + len(packed) + 1  # and a Concat cuts two bottoms
    names = {line.split(":")[0] for line in listed}
    assert names <= {"conv1", "conv2", "conv", "next", "cat", "bn"}


def test_lenet_gives_the_same_losses_with_and_without_the_engine():
    losses = []
    for engines in (("onednn", "caffe"), ("caffe",)):
        solver = solver_of("lenet", engines=engines)
        solver.param.base_lr = 0.002
        for step in range(100):
            feed_bumps(solver, step)
            solver.step(1)
            losses.append(solver.window[-1])
    with_engine, without = losses[:100], losses[100:]
    np.testing.assert_allclose(with_engine, without, rtol=0, atol=5e-4)
    assert without[-1] < 0.2 * without[0]
