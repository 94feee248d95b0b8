from __future__ import annotations

import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from caffe_core.errors import NonFiniteError, SolverError
from caffe_core.solver import Solver

NET = """
net_param {
  name: "tiny"
  layer { name: "c" type: "Count" top: "x" }
  layer { name: "g" type: "Gain" bottom: "x" top: "y" }
  layer { name: "loss" type: "Total" bottom: "y" top: "loss" }
}
base_lr: 1 lr_policy: "fixed" snapshot_after_train: false solver_mode: CPU
"""
TEST = "test_iter: 2 test_interval: 2 "


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def weight(solver):
    return float(solver.net.params["g"][0].data[0])


def test_each_step_goes_down_the_gradient():
    solver = Solver(NET)
    solver.step(3)
    assert weight(solver) == 1 - 1 - 2 - 3
    assert solver.iteration == 3
    assert solver.rate == 1


def test_the_rate_follows_the_policy_from_before_its_increment():
    solver = Solver(NET.replace('"fixed"', '"step" gamma: 0.5 stepsize: 2'))
    rates = []
    for _ in range(5):
        solver.step(1)
        rates.append(solver.rate)
    assert rates == [1, 1, 0.5, 0.5, 0.25]


def test_iter_size_averages_gradients_and_losses_over_batches():
    solver = Solver(NET + "iter_size: 2")
    solver.step(1)
    assert weight(solver) == 1 - (1 + 2) / 2
    assert solver.smoothed_loss == (1 + 2) / 2


def test_gradients_of_the_last_iteration_are_cleared():
    solver = Solver(NET.replace("base_lr: 1", "base_lr: 0"))
    solver.step(2)
    solver.step(1)
    assert weight(solver) == 1


def test_the_loss_is_smoothed_over_the_last_iterations(after_iteration):
    solver, smoothed = Solver(NET.replace("base_lr: 1", "base_lr: 0") + "average_loss: 3"), []
    after_iteration(lambda solver: smoothed.append(solver.smoothed_loss))
    assert solver.smoothed_loss == 0
    solver.step(5)
    assert smoothed == [1, (1 + 2) / 2, (1 + 2 + 3) / 3, (2 + 3 + 4) / 3, (3 + 4 + 5) / 3]


def test_each_step_begins_to_smooth_anew():
    solver = Solver(NET.replace("base_lr: 1", "base_lr: 0") + "average_loss: 3")
    solver.step(2)
    solver.step(1)
    assert solver.smoothed_loss == 3


def test_solve_trains_until_max_iter():
    solver = Solver(NET + "max_iter: 4")
    solver.solve()
    assert solver.iteration == 4
    solver.solve()
    assert solver.iteration == 4


def test_testing_gives_the_mean_of_each_output():
    solver = Solver(NET + TEST)
    assert solver.test() == {"loss": (1 + 2) / 2}
    assert solver.test(0) == {"loss": (3 + 4) / 2}
    assert solver.iteration == 0


def test_testing_uses_the_weights_being_trained_and_leaves_training_alone():
    solver = Solver(NET + TEST)
    solver.step(1)
    before = weight(solver)
    solver.net.params["g"][0].data[...] = 10
    assert solver.test() == {"loss": (3 + 4) / 2 * 10}
    assert before == 0
    assert solver.net.layers["c"].done == 1


def test_an_output_of_many_numbers_keeps_its_shape():
    net = NET.replace('layer { name: "loss"', 'layer { name: "two" type: "Noise" top: "two" }\n$&')
    outputs = Solver(net.replace("$&", 'layer { name: "loss"') + TEST).test()
    assert outputs["two"].shape == (3, 4)
    assert outputs["two"].dtype == np.float64


def test_a_test_of_no_batches_gives_nothing():
    assert Solver(NET + "test_iter: 0 test_interval: 1").test() == {}


@pytest.fixture
def tested(monkeypatch):
    """The iterations at which nets are tested."""
    iterations = []
    original = Solver.test

    def test(self, index=0):
        iterations.append(self.iteration)
        return original(self, index)

    monkeypatch.setattr(Solver, "test", test)
    return iterations


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("test_interval: 2 max_iter: 5", [0, 2, 4]),
        ("test_interval: 2 max_iter: 4", [0, 2, 4]),
        ("test_interval: 2 max_iter: 5 test_initialization: false", [2, 4]),
        ("test_interval: 7 max_iter: 5", [0]),
        ("test_interval: 7 max_iter: 5 test_initialization: false", []),
        ("test_interval: 1 max_iter: 0 test_initialization: false", [0]),
        ("test_interval: 2 max_iter: 2 test_iter: 1", [0, 0, 2, 2]),
    ],
)
def test_nets_are_tested_at_intervals_and_after_the_last_iteration(tested, text, expected):
    Solver(NET + "test_iter: 1 " + text).solve()
    assert tested == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max_iter: 5", []),
        ("max_iter: 5 snapshot: 2", [2, 4]),
        ("max_iter: 4 snapshot: 2", [2, 4]),
        ("max_iter: 5 snapshot_after_train: true", [5]),
        ("max_iter: 5 snapshot: 2 snapshot_after_train: true", [2, 4, 5]),
        ("max_iter: 4 snapshot: 2 snapshot_after_train: true", [2, 4]),
    ],
)
def test_snapshots_are_written_at_intervals_and_at_the_end_if_due(text, expected):
    text = NET.replace("snapshot_after_train: false", "") + text + ' snapshot_prefix: "s"'
    if "snapshot_after_train" not in text:
        text += " snapshot_after_train: false"
    Solver(text).solve()
    found = sorted(path.name for path in Path().iterdir())
    assert found == sorted(
        f"s_iter_{iteration}.{kind}"
        for iteration in expected
        for kind in ("caffemodel", "solverstate")
    )


def test_a_snapshot_can_be_requested(after_iteration):
    after_iteration(lambda solver: solver.request("snapshot") if solver.iteration == 2 else None)
    Solver(NET + 'max_iter: 4 snapshot_prefix: "s"').solve()
    assert {path.name for path in Path().iterdir()} == {
        "s_iter_2.caffemodel",
        "s_iter_2.solverstate",
    }


def test_a_stop_can_be_requested_and_a_snapshot_is_left(after_iteration, tested):
    after_iteration(lambda solver: solver.request("stop") if solver.iteration == 3 else None)
    text = NET.replace("snapshot_after_train: false", "")
    solver = Solver(text + TEST + 'max_iter: 9 snapshot_prefix: "s"')
    solver.solve()
    assert solver.iteration == 3
    assert Path("s_iter_3.solverstate").exists()
    assert tested == [0, 2]


def test_after_a_stop_training_and_testing_go_on(after_iteration):
    after_iteration(lambda solver: solver.request("stop") if solver.iteration == 1 else None)
    solver = Solver(NET + TEST)
    solver.step(5)
    assert solver.iteration == 1
    assert solver.test() != {}
    solver.step(5)
    assert solver.iteration == 6
    solver.param.max_iter = 8
    solver.solve()
    assert solver.iteration == 8


def test_a_stop_interrupts_a_test_between_batches():
    solver = Solver(NET + "test_iter: 100 test_interval: 1 max_iter: 3")
    count = solver.test_nets[0].nodes[0].kernel
    forward = count.forward

    def stop_at_three(bottom, top):
        forward(bottom, top)
        if count.layer.done == 3:
            solver.request("snapshot")
            solver.request("stop")

    count.forward = stop_at_three
    solver.param.snapshot_prefix = "s"
    solver.solve()
    assert count.layer.done == 3
    assert solver.iteration == 0
    assert Path("s_iter_0.solverstate").exists()


def test_only_known_actions_can_be_requested():
    with pytest.raises(SolverError, match="no action 'pause'; expected snapshot or stop"):
        Solver(NET).request("pause")


@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_training_and_says_where(poison):
    solver = Solver(NET + "max_iter: 9")
    solver.net.layers["c"].special = {3: poison}
    with pytest.raises(NonFiniteError) as caught:
        solver.solve()
    loss = "nan" if math.isnan(poison) else "-inf"
    assert str(caught.value) == (
        f"iteration 2: the loss is {loss}, expected a finite number. "
        "First blob that is not finite: blob 'x', made by c (Count). Lower base_lr, set "
        "clip_gradients or check the data; to go on regardless, use --on-nan continue"
    )
    assert weight(solver) == 1 - 1 - 2


def test_weights_that_are_not_finite_are_found():
    solver = Solver(NET)
    solver.step(1)
    solver.net.params["g"][0].data[...] = np.nan
    with pytest.raises(NonFiniteError, match=r"iteration 1: .*: learned blob 0 of g \(Gain\)"):
        solver.step(1)


@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_training_goes_on_regardless_if_told_so(poison):
    text = NET + "max_iter: 5 weight_decay: 0.1 momentum: 0.9 clip_gradients: 1000"
    solver = Solver(text, stop_on_nan=False)
    solver.net.layers["c"].special = {3: poison}
    solver.solve()
    assert solver.iteration == 5
    assert math.isnan(weight(solver))


def test_a_net_that_learns_nothing_can_be_solved():
    text = NET.replace('type: "Gain"', 'type: "Double"') + "momentum: 0.9 clip_gradients: 1"
    solver = Solver(text + ' max_iter: 2 snapshot: 1 snapshot_prefix: "s"')
    solver.solve()
    assert solver.iteration == 2


LARGE = """
net_param {
  layer { name: "n" type: "Input" top: "x" input_param { shape { dim: 64 dim: 1024 } } }
  layer { name: "g" type: "InnerProduct" bottom: "x" top: "y"
    inner_product_param { num_output: 1024 weight_filler { type: "xavier" } } }
  layer { name: "r" type: "ReLU" bottom: "y" top: "y" }
  layer { name: "d" type: "Dropout" bottom: "y" top: "y" }
  layer { name: "loss" type: "Total" bottom: "y" top: "loss" }
}
base_lr: 0.01 lr_policy: "inv" gamma: 1 power: 1 momentum: 0.9 weight_decay: 0.1
clip_gradients: 10 iter_size: 2 solver_mode: CPU
"""


def test_a_steady_iteration_allocates_no_blob():
    solver = Solver(LARGE)
    solver.step(2)
    tracemalloc.start()
    try:
        solver.step(1)
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        solver.step(1)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    smallest = 64 * 1024 * 4
    assert peak - before < smallest / 4
    assert after - before < 4096


def test_closing_closes_every_net(monkeypatch):
    closed = []
    solver = Solver(NET + TEST)
    for net in (solver.net, *solver.test_nets):
        monkeypatch.setattr(net.layers["c"], "close", lambda net=net: closed.append(net))
    solver.close()
    assert closed == [solver.net, *solver.test_nets]


def test_updates_that_would_reach_nobody_are_refused():
    solver, other = Solver(NET), Solver(NET)
    solver.net.share_trained_layers_with(other.net)
    with pytest.raises(SolverError, match="net 'tiny' uses the learned blobs of another net"):
        solver.step(1)
    other.step(1)
