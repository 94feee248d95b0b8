"""A resumed run equals an uninterrupted one, bit for bit."""

from __future__ import annotations

import re

import numpy as np
import pytest

from caffe_core.hooks import hookimpl, manager
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.solver import Solver

SOLVER = """
net_param {
  name: "random"
  layer { name: "n" type: "Noise" top: "x" }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
    inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
  layer { name: "drop" type: "Dropout" bottom: "y" top: "y" }
  layer { name: "late" type: "Late" bottom: "y" top: "z" }
  layer { name: "loss" type: "Total" bottom: "z" top: "loss" }
}
base_lr: 0.01 gamma: 0.5 power: 0.75 stepsize: 3 momentum: 0.9 weight_decay: 0.01
max_iter: 9 display: 2 average_loss: 4 snapshot_prefix: "s" solver_mode: CPU
test_iter: 2 test_interval: 4
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def late(plug_layer):
    """A layer that draws its first random number after the snapshot."""

    class Late(Layer):
        facts = Facts(backward_reads=frozenset())
        runs = 0

        def state(self):
            return {**super().state(), "runs": self.runs}

        def restore(self, state):
            super().restore(state)
            self.runs = state["runs"]

    class LateKernel(Kernel):
        def forward(self, bottom, top):
            self.layer.runs += 1
            noise = self.layer.rng.random() if self.layer.runs > 6 else 0
            np.add(bottom[0].data, noise, out=top[0].data)

        def backward(self, top, propagate_down, bottom):
            bottom[0].diff[...] = top[0].diff

    plug_layer("Late", Late, LateKernel)


class Diary:
    """Losses and test results by iteration."""

    def __init__(self):
        self.pages = {}

    @hookimpl
    def on_iteration_end(self, solver, loss):
        self.pages["loss", solver.iteration] = loss, solver.smoothed_loss

    @hookimpl
    def on_test_end(self, solver, index, outputs):
        self.pages["test", solver.iteration, index] = outputs


def solved(text, resume=None):
    diary = Diary()
    manager().register(diary)
    try:
        policy = "" if "lr_policy" in text else 'lr_policy: "inv" '
        solver = Solver(SOLVER + policy + text)
        solver.solve(resume)
    finally:
        manager().unregister(diary)
    return solver, diary.pages


def assert_equal(solver, other):
    np.testing.assert_array_equal(solver.update.arena.data(), other.update.arena.data())
    np.testing.assert_array_equal(solver.update.history, other.update.history)
    assert solver.net.state() == other.net.state()
    assert [net.state() for net in solver.test_nets] == [net.state() for net in other.test_nets]
    assert list(solver.window) == list(other.window)
    assert solver.iteration == other.iteration


@pytest.mark.parametrize("at", [1, 3, 4, 8])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "random_seed: 7",
        "test_initialization: false",
        "iter_size: 2 clip_gradients: 0.5",
        "snapshot_format: HDF5",
        'type: "Adam" momentum2: 0.999',
        'lr_policy: "step"',
    ],
)
def test_a_resumed_run_equals_an_uninterrupted_one(text, at):
    text = f"{text} snapshot: {at}"
    suffix = ".h5" if "HDF5" in text else ""
    whole, expected = solved(text)
    state = f"s_iter_{at}.solverstate{suffix}"
    resumed, found = solved(text, state)
    assert_equal(whole, resumed)
    assert found == {key: page for key, page in expected.items() if key in found}
    assert {key[1] for key in found if key[0] == "loss"} == set(range(at + 1, 10))
    assert {key[1] for key in found if key[0] == "test"} == {i for i in (4, 8) if i >= at}


def test_a_resumed_run_is_resumed_again():
    whole, _ = solved("snapshot: 3")
    for state in ("s_iter_3.solverstate", "s_iter_6.solverstate"):
        resumed, _ = solved("snapshot: 3", state)
        assert_equal(whole, resumed)


def test_a_resumed_run_logs_the_same_lines(messages):
    def lines():
        kept = re.compile(r"Iteration [4-9]|    T")
        return [re.sub(r"\(.*iters\)", "", line) for line in messages() if kept.match(line)]

    solved("snapshot: 3")
    expected = lines()
    solved("snapshot: 3", "s_iter_3.solverstate")
    found = lines()
    assert found
    assert expected[-len(found) :] == found


def test_interrupted_by_a_stop_and_resumed(after_iteration):
    whole, _ = solved("random_seed: 3")
    after_iteration(lambda solver: solver.request("stop") if solver.iteration == 5 else None)
    stopped, _ = solved("random_seed: 3")
    assert stopped.iteration == 5
    resumed, _ = solved("random_seed: 4", "s_iter_5.solverstate")
    assert_equal(whole, resumed)


def test_runs_without_a_seed_differ():
    first, _ = solved("")
    second, _ = solved("")
    assert (first.update.arena.data() != second.update.arena.data()).any()


def test_data_of_dummy_data_goes_on():
    text = """
        net_param {
          layer { name: "d" type: "DummyData" top: "x" top: "label" dummy_data_param {
            shape { dim: 8 dim: 4 } shape { dim: 8 }
            data_filler { type: "gaussian" } data_filler { type: "constant" value: 2 } } }
          layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
            inner_product_param { num_output: 3 weight_filler { type: "gaussian" std: 0.1 } } }
          layer { name: "drop" type: "Dropout" bottom: "y" top: "y" }
          layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "label" top: "loss" }
        }
        base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 snapshot: 3 max_iter: 7 snapshot_prefix: "s"
        solver_mode: CPU
    """
    whole, resumed = Solver(text), Solver(text)
    whole.solve()
    resumed.solve("s_iter_3.solverstate")
    assert_equal(whole, resumed)
