"""Nets in bfloat16: close to float32, with float32 where a user looks and in learned blobs."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("caffe_engine_onednn")

from caffe_engine_onednn.bfloat16 import BFLOAT16
from caffe_engine_onednn.library import missing

from caffe_core.errors import CaffeError
from caffe_core.layer import Phase
from caffe_core.net import Net
from caffe_core.solver import Solver
from caffe_core.tensor import moves

NET = """
layer { name: "in" type: "Input" top: "x" top: "label"
  input_param { shape { dim: 4 dim: 3 dim: 12 dim: 12 } shape { dim: 4 } } }
layer { name: "c1" type: "Convolution" bottom: "x" top: "c1"
  convolution_param { num_output: 16 kernel_size: 3 pad: 1 weight_filler { type: "msra" } } }
layer { name: "bn" type: "BatchNorm" bottom: "c1" top: "c1" }
layer { name: "sc" type: "Scale" bottom: "c1" top: "c1" scale_param { bias_term: true } }
layer { name: "r1" type: "ReLU" bottom: "c1" top: "c1" }
layer { name: "norm" type: "LRN" bottom: "c1" top: "n1" }
layer { name: "p1" type: "Pooling" bottom: "n1" top: "p1"
  pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "c2" type: "Convolution" bottom: "p1" top: "c2"
  convolution_param { num_output: 16 kernel_size: 1 weight_filler { type: "msra" } } }
layer { name: "sum" type: "Eltwise" bottom: "p1" bottom: "c2" top: "sum" }
layer { name: "cat" type: "Concat" bottom: "sum" bottom: "c2" top: "cat" }
layer { name: "exp" type: "BNLL" bottom: "cat" top: "exp" }
layer { name: "ip" type: "InnerProduct" bottom: "exp" top: "ip"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
"""
LOSS = """
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
SOLVER = """
net_param { %s } base_lr: 0.005 lr_policy: "fixed" momentum: 0.9 random_seed: 3 solver_mode: CPU
"""


def has_bfloat16() -> bool:
    return missing() is None and "bfloat16" in repr(kernel_of(build(NET), "c1").device)


def build(text=NET + LOSS, phase=Phase.TRAIN, precision="bf16", **options):
    return feed(Net(text, phase, seed=1, precision=precision, **options))


def feed(net, seed=0):
    rng = np.random.default_rng(seed)
    net.blobs["x"].data[...] = rng.standard_normal(net.blobs["x"].shape)
    net.blobs["label"].data[...] = rng.integers(0, 5, net.blobs["label"].shape)
    return net


def kernel_of(net, name):
    return next(node.kernel for node in net.nodes if node.name == name)


pytestmark = pytest.mark.skipif(not has_bfloat16(), reason="this CPU has no bfloat16 instructions")


def close(found, expected, part=0.05):
    """Eight bits of precision, through a few layers."""
    assert np.linalg.norm(found - expected) < part * np.linalg.norm(expected) + 1e-3


class TestNumbers:
    def test_rounding_is_to_the_nearest_and_to_even(self):
        host = np.float32([1, 1 + 2**-9, 1 + 2**-8, 1 + 3 * 2**-8, -3.14159, 0, np.inf, np.nan])
        stored = BFLOAT16.zeros(len(host), np.dtype(np.float32))
        BFLOAT16.upload(host, stored)
        back = np.empty_like(host)
        BFLOAT16.download(stored, back)
        expected = np.float32([1, 1, 1, 1 + 4 * 2**-8, -3.140625, 0, np.inf, np.nan])
        np.testing.assert_array_equal(back, expected)

    def test_few_numbers_are_widened_as_many_are(self):
        stored = np.arange(2**16, dtype=np.uint16)
        whole = np.empty(stored.size, np.float32)
        BFLOAT16.download(stored, whole)
        for start in range(0, stored.size, 1024):
            part = np.empty(1024, np.float32)
            BFLOAT16.download(stored[start : start + 1024], part)
            np.testing.assert_array_equal(part, whole[start : start + 1024])

    def test_other_types_are_stored_as_they_are(self):
        assert BFLOAT16.stored(np.dtype(np.uint8)) == np.uint8
        assert BFLOAT16.zeros(3, np.dtype(np.float32)).dtype == np.uint16


def test_the_plan_says_where():
    notes = build().notes["kernels"]
    plain = {line.split(":")[0] for line in notes if "in bfloat16" not in line}
    assert plain == {"in", "sc", "exp", "loss"}


@pytest.mark.parametrize("keep", [None, ()])
def test_inference_is_close_to_float32(keep):
    short = build(NET, Phase.TEST, keep=keep)
    full = build(NET, Phase.TEST, "float32", keep=keep)
    short.forward(), full.forward()
    close(short.blobs["ip"].data, full.blobs["ip"].data)


def test_what_is_read_and_written_is_float32():
    net = build()
    full = build(precision="float32")
    net.forward(), full.forward()
    assert net.blobs["n1"].data.dtype == np.float32
    close(net.blobs["n1"].data, full.blobs["n1"].data)
    for each in (net, full):
        each.blobs["n1"].data[...] *= 2
        each.forward(start="p1")
    close(net.blobs["ip"].data, full.blobs["ip"].data)


def test_gradients_are_close_to_float32():
    nets = [build(), build(precision="float32")]
    for net in nets:
        net.clear_param_diffs()
        net.forward_backward()
    for short, full in zip(*(net.learnable for net in nets), strict=True):
        assert short.blob.diff.dtype == np.float32
        close(short.blob.diff, full.blob.diff, 0.1)  # some maxima lie elsewhere


@pytest.mark.parametrize("keep", [None, ()])
def test_training_follows_float32(keep):
    losses = []
    for precision in ("bf16", "float32"):
        solver = Solver(SOLVER % (NET + LOSS), precision=precision, keep=keep)
        for step in range(30):
            feed(solver.net, seed=step % 3)
            solver.step(1)
        losses.append(solver.window[-1])
    assert losses[0] < 0.8
    np.testing.assert_allclose(*losses, rtol=0.05)


def test_numbers_are_converted_only_where_float32_layers_are():
    net = build()
    net.forward_backward()
    before = moves.total
    net.forward_backward()
    # `exp` both ways, `ip` to the loss and back. Nobody has written to `x` since.
    assert moves.total - before == 6


def test_a_precision_that_does_not_exist():
    with pytest.raises(CaffeError, match="precision is 'half'; expected float32 or bf16"):
        Net(NET, precision="half")


def test_a_net_without_such_kernels_warns(caplog):
    build("""
    layer { name: "x" type: "DummyData" top: "x" top: "label"
      dummy_data_param { shape { dim: 2 } shape { dim: 2 } } }
    """)
    assert "no kernel of this net computes in bf16 here" in caplog.messages
