from __future__ import annotations

import re

import pytest

from caffe_core.solver import Solver

SOLVER = """
net_param {
  name: "tiny"
  layer { name: "c" type: "Count" top: "x" }
  layer { name: "g" type: "Gain" bottom: "x" top: "y" }
  layer { name: "loss" type: "Total" bottom: "y" top: "loss" loss_weight: 0.5 }
}
base_lr: 1 lr_policy: "step" gamma: 0.5 stepsize: 1 solver_mode: CPU snapshot_prefix: "s"
"""


@pytest.fixture
def run(tmp_path, monkeypatch, messages):
    """Train and return the log from ``Solving`` on, without times."""
    monkeypatch.chdir(tmp_path)

    def train(text):
        solver = Solver(SOLVER + text)
        messages()
        solver.solve()
        return [re.sub(r"[\d.e+-]+ iter/s, [\d.e+-]+s/", "TIME/", line) for line in messages()]

    return train


def test_the_log_of_a_run_has_caffes_words_in_caffes_order(run):
    assert run("max_iter: 2 display: 1 test_iter: 2 test_interval: 2 snapshot: 2") == [
        "Solving tiny",
        "Learning Rate Policy: step",
        "Iteration 0, Testing net (#0)",
        "    Test net output #0: loss = 1.5 (* 0.5 = 0.75 loss)",
        "Iteration 0 (TIME/1 iters), loss = 0.5",
        "    Train net output #0: loss = 1 (* 0.5 = 0.5 loss)",
        "Iteration 0, lr = 1",
        "Iteration 1 (TIME/1 iters), loss = 0.5",
        "    Train net output #0: loss = 1 (* 0.5 = 0.5 loss)",
        "Iteration 1, lr = 0.5",
        "Snapshotting to binary proto file s_iter_2.caffemodel",
        "Snapshotting solver state to binary proto file s_iter_2.solverstate",
        "Iteration 2, loss = 0",
        "Iteration 2, Testing net (#0)",
        "    Test net output #0: loss = 0 (* 0.5 = 0 loss)",
        "Optimization Done.",
    ]


def test_the_display_interval(run):
    lines = run("max_iter: 5 display: 2 average_loss: 2 snapshot_after_train: false")
    assert [line for line in lines if line.startswith("Iteration")] == [
        "Iteration 0 (TIME/2 iters), loss = 0.5",
        "Iteration 0, lr = 1",
        "Iteration 2 (TIME/2 iters), loss = 0.25",
        "Iteration 2, lr = 0.25",
        "Iteration 4 (TIME/2 iters), loss = -1.15625",
        "Iteration 4, lr = 0.0625",
    ]


def test_nothing_is_shown_without_display(run):
    assert run("max_iter: 3 snapshot_after_train: false") == [
        "Solving tiny",
        "Learning Rate Policy: step",
        "Optimization Done.",
    ]


def test_the_loss_of_a_test_is_shown_if_asked_for(run):
    lines = run(
        "max_iter: 0 test_iter: 2 test_interval: 1 test_compute_loss: true "
        "snapshot_after_train: false"
    )
    assert lines[3] == "Test loss: 0.75"


def test_hdf5_snapshots_are_called_so(run):
    assert run("max_iter: 0 snapshot_format: HDF5")[2:4] == [
        "Snapshotting to HDF5 file s_iter_0.caffemodel.h5",
        "Snapshotting solver state to HDF5 file s_iter_0.solverstate.h5",
    ]


def test_a_stop_is_told(run, after_iteration):
    after_iteration(lambda solver: solver.request("stop"))
    assert run("max_iter: 3 snapshot_after_train: false")[-1] == "Optimization stopped early."


def test_debug_info_shows_iterations_that_are_displayed(run):
    lines = run("max_iter: 2 display: 2 debug_info: true snapshot_after_train: false")
    shown = [line for line in lines if "param blob 0 diff" in line]
    assert shown == ["    [Backward] Layer g, param blob 0 diff: 0.5"]


def test_debug_info_shows_every_test(run):
    lines = run(
        "max_iter: 0 test_iter: 2 test_interval: 1 debug_info: true snapshot_after_train: false"
    )
    assert sum("top blob x data" in line for line in lines) == 2


def test_the_numbers_of_all_outputs_are_counted(messages):
    more = 'net_param { layer { name: "a" type: "Any" top: "a" top: "b" top: "z" }'
    solver = Solver(SOLVER.replace("net_param {", more) + "display: 1")
    messages()
    solver.step(1)
    numbers = [line.partition(" = ")[0] for line in messages() if "output" in line]
    assert numbers == [
        *(f"    Train net output #{number}: a" for number in range(6)),
        *(f"    Train net output #{number}: b" for number in range(6, 12)),
        "    Train net output #12: loss",
        *(f"    Train net output #{number}: z" for number in range(13, 19)),
    ]


def test_what_is_made_is_told(messages, tmp_path):
    (tmp_path / "net.prototxt").write_text(SOLVER.partition("{")[2].partition("\n}")[0])
    path = tmp_path / "net.prototxt"
    Solver(f'net: "{path}" test_iter: 1 test_interval: 1 base_lr: 1 lr_policy: "fixed"\n')
    lines = messages()
    assert lines[0].startswith("Initializing solver from parameters: \n")
    assert f"Creating training net from net file: {path}" in lines
    assert f"Creating test net (#0) specified by net file: {path}" in lines
    assert lines[-1] == "Solver scaffolding done."
    Solver(SOLVER)
    assert "Creating training net specified in net_param." in messages()
