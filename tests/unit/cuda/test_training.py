"""Training with CUDA kernels: the CPU's results, and no transfer that is not needed."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.device import CPU
from caffe_core.errors import SolverError
from caffe_core.solver import Solver
from caffe_core.tensor import moves

SOLVER = """
net_param { name: "small"
  layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
    shape { dim: 6 dim: 3 dim: 12 dim: 12 } shape { dim: 6 }
    data_filler { type: "constant" } data_filler { type: "constant" value: 3 } } }
  layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
    convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
  layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
    pooling_param { kernel_size: 2 stride: 2 } }
  layer { name: "relu" type: "ReLU" bottom: "pool" top: "pool" }
  layer { name: "ip1" type: "InnerProduct" bottom: "pool" top: "ip1" param { lr_mult: 1 }
    param { lr_mult: 2 decay_mult: 0 }
    inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
  layer { name: "ip2" type: "InnerProduct" bottom: "pool" top: "ip2"
    inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
  layer { name: "loss1" type: "SoftmaxWithLoss" bottom: "ip1" bottom: "label" top: "loss1" }
  layer { name: "loss2" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" loss_weight: 0.5 }
}
base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.01 random_seed: 3
"""
WITHOUT_MOMENTUM = SOLVER.replace("momentum: 0.9", "")
SOLVERS = [
    SOLVER,
    SOLVER + 'regularization_type: "L1"',
    SOLVER + "iter_size: 2",
    SOLVER + "clip_gradients: 0.5",
    SOLVER + 'type: "Nesterov"',
    SOLVER + 'type: "AdaDelta" delta: 1e-4',
    SOLVER + 'type: "Adam"',
    WITHOUT_MOMENTUM + 'type: "AdaGrad"',
    WITHOUT_MOMENTUM + 'type: "RMSProp" rms_decay: 0.9',
]


@pytest.mark.parametrize("source", SOLVERS, ids=lambda source: source.split("seed: 3")[1].strip())
def test_training_gives_what_it_gives_on_the_cpu(emulated, source):
    here, there = Solver(source, device=CPU), Solver(source, device=emulated)
    assert there.update.rule.fused
    images = np.random.default_rng(4).normal(size=(6, 3, 12, 12))
    for solver in (here, there):
        solver.net.blobs["data"].data[...] = images
        solver.step(4)
    for mine, other in zip(here.net.learnable, there.net.learnable, strict=True):
        np.testing.assert_allclose(other.blob.data, mine.blob.data, rtol=1e-4, atol=1e-6)
    for mine, other in zip(here.update.history, there.update.history, strict=True):
        np.testing.assert_allclose(other.get(), mine, rtol=1e-4, atol=1e-6)


def test_weights_start_as_on_the_cpu(emulated):
    here, there = Solver(SOLVER, device=CPU), Solver(SOLVER, device=emulated)
    for mine, other in zip(here.net.learnable, there.net.learnable, strict=True):
        np.testing.assert_array_equal(mine.blob.data, other.blob.data)


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize(("filler", "uploads"), [("gaussian", 0), ("positive_unitball", 3)])
def test_an_iteration_moves_the_data_in_and_the_losses_out(
    emulated, memory_format, filler, uploads
):
    source = SOLVER.replace('type: "constant" }', f'type: "{filler}" }}')
    solver = Solver(source, device=emulated, memory_format=memory_format)
    solver.step(2)
    to_device, to_host = moves.to_device, moves.to_host
    solver.step(3)
    assert (moves.to_device - to_device, moves.to_host - to_host) == (uploads, 6)


def test_every_layer_runs_on_the_device(emulated):
    nodes = Solver(SOLVER, device=emulated).net.nodes
    assert all(node.kernel.device is emulated for node in nodes)


@pytest.mark.parametrize("rule", ["AdaGrad", "RMSProp"])
def test_what_a_rule_refuses_it_refuses_on_the_device_too(emulated, rule):
    with pytest.raises(SolverError, match=f"momentum is 0.9, and {rule} has none"):
        Solver(SOLVER + f'type: "{rule}"', device=emulated)
