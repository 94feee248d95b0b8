"""What holds of the engine in whole nets, with cuDNN interpreted."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.blob import CHANNELS_LAST, CONTIGUOUS
from caffe_core.device import CPU
from caffe_core.net import Net
from caffe_core.solver import Solver
from caffe_core.tensor import moves

NET = """
layer { name: "data" type: "DummyData" top: "x" top: "label" dummy_data_param {
  shape { dim: 4 dim: 3 dim: 9 dim: 8 } shape { dim: 4 }
  data_filler { type: "constant" } data_filler { type: "constant" value: 3 } } }
layer { name: "c1" type: "Convolution" bottom: "x" top: "c1"
  convolution_param { num_output: 8 kernel_size: 3 pad: 1 weight_filler { type: "msra" }
    bias_filler { type: "gaussian" } } }
layer { name: "r1" type: "ReLU" bottom: "c1" top: "c1" relu_param { negative_slope: %g } }
layer { name: "d1" type: "Deconvolution" bottom: "c1" top: "d1"
  convolution_param { num_output: 6 kernel_size: 2 stride: 2 group: 2
    weight_filler { type: "msra" } bias_filler { type: "gaussian" } } }
layer { name: "r2" type: "ReLU" bottom: "d1" top: "d1" }
layer { name: "c2" type: "Convolution" bottom: "d1" top: "c2"
  convolution_param { num_output: 4 kernel_size: 3 stride: 2 dilation: 2 bias_term: false
    weight_filler { type: "msra" } } }
layer { name: "r3" type: "ReLU" bottom: "c2" top: "c2" }
layer { name: "ip" type: "InnerProduct" bottom: "c2" top: "ip"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
SOLVER = """
net_param { %s } base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 random_seed: 3 iter_size: 2
"""


@pytest.fixture(params=["as it likes", "in parts", "measured"])
def way(request, library, interpreter):
    """How a convolution with its bias and ReLU is computed."""
    library.measures = request.param == "measured"
    if request.param == "in parts":
        library.module.unsupported |= {("conv_fprop", "bias"), ("conv_fprop", "bias", "relu")}
    return request.param


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize("slope", [0, 0.1])
def test_training_gives_what_it_gives_on_the_cpu(library, way, memory_format, slope):
    source = SOLVER % (NET % slope)
    here = Solver(source, device=CPU, engines=("caffe",))
    there = Solver(source, device=library.device, memory_format=memory_format)
    engines = {node.name: node.engine for node in there.net.nodes}
    assert {engines[name] for name in ("c1", "d1", "c2")} == {"cudnn"}
    images = np.random.default_rng(4).normal(size=(4, 3, 9, 8))
    for solver in (here, there):
        solver.net.blobs["x"].data[...] = images
        solver.step(3)
    for mine, other in zip(here.net.learnable, there.net.learnable, strict=True):
        np.testing.assert_allclose(other.blob.data, mine.blob.data, rtol=1e-4, atol=1e-5)


def test_relu_is_part_of_the_convolution_before(library):
    net = Net(NET % 0, device=library.device)
    assert net.notes["fuse_neurons"] == ["c1 computes r1", "d1 computes r2", "c2 computes r3"]
    net.forward()
    ran = [operations for operations, _ in library.module.ran]
    assert ran == [("conv_fprop", "bias", "relu"), ("conv_dgrad",), ("conv_fprop",)]


def test_what_is_faster_in_parts_is_computed_in_parts(library, monkeypatch):
    library.measures = True
    monkeypatch.setattr("caffe_engine_cudnn.convolution.fastest", lambda library, ways: min(ways))
    net = Net(NET % 0, device=library.device)
    net.forward()
    assert {len(operations) for operations, _ in library.module.ran} == {1}


def test_an_iteration_moves_nothing_but_data_and_loss(library):
    solver = Solver(SOLVER % (NET % 0), device=library.device)
    solver.step(2)
    before = moves.to_device, moves.to_host
    solver.step(2)
    assert (moves.to_device - before[0], moves.to_host - before[1]) == (0, 4)


@pytest.mark.parametrize(("tf32", "preferred"), [(True, CHANNELS_LAST), (False, CONTIGUOUS)])
def test_tensor_cores_want_the_channels_last(library, tf32, preferred):
    library.tf32 = tf32
    net = Net(NET % 0, device=library.device, memory_format="auto")
    assert {net.blobs[name].format for name in ("c1", "d1", "c2")} == {preferred}


def test_a_net_whose_shapes_change_asks_for_new_plans(library):
    net = Net(
        'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 6 '
        'dim: 6 } } } layer { name: "c" type: "Convolution" bottom: "x" top: "c" '
        'convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "msra" } } }',
        device=library.device,
    )
    net.blobs["x"].data[...] = 1
    net.forward()
    expected = net.blobs["c"].data[0, :, 0, 0].copy()
    for shape in ((1, 3, 9, 5), (0, 3, 9, 5), (2, 3, 6, 6)):
        net.blobs["x"].reshape(shape)
        net.blobs["x"].data[...] = 1
        net.forward()
        top = net.blobs["c"].data
        assert top.shape == (shape[0], 4, shape[2] - 2, shape[3] - 2)
        np.testing.assert_allclose(top, np.broadcast_to(expected[:, None, None], top.shape), 1e-5)
