"""Nets and solvers on a second device: the same results, and no moves that are not needed."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core import registry, snapshot
from caffe_core.blob import CHANNELS_LAST
from caffe_core.device import CPU
from caffe_core.layer import Phase
from caffe_core.net import Net
from caffe_core.solver import Solver
from caffe_core.tensor import moves

NET = """
  name: "tiny"
  layer { name: "n" type: "Noise" top: "x" }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
    inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
  layer { name: "r" type: "ReLU" bottom: "y" top: "y" }
  layer { name: "g" type: "Gain" bottom: "y" top: "z" }
  layer { name: "a" type: "Total" bottom: "y" top: "a" }
  layer { name: "b" type: "Total" bottom: "z" top: "b" }
"""
SOLVER = f"""
net_param {{ {NET} }}
base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.01 clip_gradients: 1 random_seed: 1
snapshot_prefix: "s" test_iter: 2 test_interval: 2
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def solvers(mirror):
    return Solver(SOLVER, device=CPU), Solver(SOLVER, device=mirror)


def moved(function):
    """How many moves to the device and to the host a call makes."""
    before = moves.to_device, moves.to_host
    function()
    return moves.to_device - before[0], moves.to_host - before[1]


def assert_same_weights(solver, other):
    for mine, theirs in zip(solver.net.learnable, other.net.learnable, strict=True):
        np.testing.assert_allclose(mine.blob.data, theirs.blob.data, rtol=1e-6)


def test_training_gives_what_it_gives_on_the_cpu(solvers):
    for solver in solvers:
        solver.step(5)
    assert_same_weights(*solvers)


def test_a_steady_iteration_moves_the_data_in_and_the_losses_out(solvers):
    _, solver = solvers
    solver.param.test_interval = 0
    solver.step(2)
    assert moved(lambda: solver.step(1)) == (1, 2)
    assert moved(lambda: solver.step(3)) == (3, 6)


def test_showing_outputs_costs_no_move_back(solvers):
    _, solver = solvers
    solver.param.test_interval, solver.param.display = 0, 1
    solver.step(2)
    assert moved(lambda: solver.step(1)) == (1, 2)


def test_a_test_moves_its_data_in_and_its_outputs_out(solvers):
    _, solver = solvers
    solver.step(3)
    solver.test()
    assert moved(solver.test) == (2, 4)


def test_looking_for_what_is_not_finite_moves_nothing_back(solvers):
    _, solver = solvers
    solver.param.test_interval = 0
    solver.step(2)
    assert solver.net.first_non_finite() is None
    to_device, _ = moved(lambda: solver.step(1))
    assert to_device == 1


def test_snapshots_go_from_one_device_to_the_other(solvers):
    on_cpu, on_mirror = solvers
    on_mirror.step(3)
    _, state = on_mirror.snapshot()
    on_cpu.restore(state)
    on_cpu.step(2)
    on_mirror.step(2)
    assert_same_weights(on_cpu, on_mirror)
    _, state = on_cpu.snapshot()
    on_mirror.restore(state)
    assert_same_weights(on_cpu, on_mirror)


def test_saving_moves_nothing_back(solvers):
    _, solver = solvers
    solver.param.test_interval = 0
    solver.step(2)
    solver.net.save("w.caffemodel")
    to_device, _ = moved(lambda: solver.step(1))
    assert to_device == 1


def test_a_state_holds_arrays_of_the_host(solvers, monkeypatch):
    written = []
    monkeypatch.setattr(snapshot, "write_state", lambda path, state: written.append(state))
    for solver in solvers:
        solver.step(1)
        solver.snapshot()
    assert {type(array) for state in written for array in state.history} == {np.ndarray}


MIXED = """
force_backward: true
layer { name: "d" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 5 } } }
layer { name: "a" type: "Double" bottom: "x" top: "a" }
layer { name: "g" type: "Gain" bottom: "a" top: "g" }
layer { name: "ip" type: "InnerProduct" bottom: "g" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "Total" bottom: "ip" top: "loss" }
"""


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize("missing", [[], ["Gain"], ["Double", "InnerProduct"], ["Total"]])
def test_layers_fall_back_to_the_cpu_one_by_one(mirror, memory_format, missing):
    for name in missing:
        registry.kernels("mirror").unregister(name)
    nets = [
        Net(MIXED, Phase.TRAIN, seed=1, device=device, fallback=True, memory_format=memory_format)
        for device in (CPU, mirror)
    ]
    for net in nets:
        net.blobs["x"].data[...] = np.random.default_rng(0).random((2, 3, 4, 5))
        net.forward_backward()
    expected, found = nets
    assert (found.blobs["a"].format is CHANNELS_LAST) == (memory_format == "channels_last")
    for name, blob in expected.blobs.items():
        np.testing.assert_allclose(found.blobs[name].data, blob.data, rtol=1e-5)
        np.testing.assert_allclose(found.blobs[name].diff, blob.diff, rtol=1e-5)
