from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from caffe_core import snapshot
from caffe_core.errors import NetError, ParseError, SolverError
from caffe_core.net import Net
from caffe_core.proto.state import State, read_state, write_state
from caffe_core.proto.weights import read_weights
from caffe_core.solver import Solver

NET = """
  name: "tiny"
  layer { name: "c" type: "Count" top: "x" }
  layer { name: "g" type: "Gain" bottom: "x" top: "y" }
  layer { name: "h" type: "Gain" bottom: "y" top: "z" param { lr_mult: 2 } }
  layer { name: "loss" type: "Total" bottom: "z" top: "loss" }
"""
SOLVER = f"""
net_param {{ {NET} }}
base_lr: 0.01 lr_policy: "multistep" gamma: 0.5 stepvalue: 2 stepvalue: 3 momentum: 0.5
snapshot_prefix: "s" solver_mode: CPU
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def trained(steps, text=""):
    solver = Solver(SOLVER + text)
    solver.step(steps)
    return solver


def listing():
    return sorted(path.name for path in Path().iterdir())


@pytest.mark.parametrize("suffix", ["", ".h5"])
def test_a_snapshot_is_two_files_named_after_the_iteration(suffix):
    solver = trained(3, "snapshot_format: HDF5" if suffix else "")
    model, state = solver.snapshot()
    assert (model, state) == (f"s_iter_3.caffemodel{suffix}", f"s_iter_3.solverstate{suffix}")
    assert listing() == [model, state]
    stored = read_state(state)
    assert (stored.iter, stored.learned_net, stored.current_step) == (3, model, 1)
    weights = read_weights(model).layers
    np.testing.assert_array_equal(weights["g"][0].data, solver.net.params["g"][0].data)


def test_history_stands_in_the_order_of_the_net_though_memory_does_not():
    solver = trained(1)
    assert solver.update.arena.groups[0].lr_mult == 2
    stored = read_state(solver.snapshot()[1])
    g, h = (float(array[0]) for array in stored.history)
    assert (g, h) == pytest.approx((0.01, 0.02))


def test_gradients_are_stored_if_asked_for():
    trained(1, "snapshot_diff: true").snapshot()
    assert read_weights("s_iter_1.caffemodel").layers["g"][0].diff == pytest.approx([0.01])


@pytest.mark.parametrize("suffix", ["", ".h5"])
def test_restoring_brings_everything_back(suffix):
    solver = trained(3, "snapshot_format: HDF5" if suffix else "")
    _, state = solver.snapshot()
    other = Solver(SOLVER)
    other.restore(state)
    assert other.iteration == 3
    assert other.net.layers["c"].done == 3
    for mine, theirs in zip(other.net.learnable, solver.net.learnable, strict=True):
        np.testing.assert_array_equal(mine.blob.data, theirs.blob.data)
    np.testing.assert_array_equal(other.update.history[0], solver.update.history[0])
    assert list(other.window) == list(solver.window)


def test_a_solver_may_go_back_to_its_own_snapshot():
    solver = trained(2, "average_loss: 5")
    losses = list(solver.window)
    _, state = solver.snapshot()
    solver.step(2)
    expected = solver.update.arena.data().copy()
    solver.restore(state)
    assert (solver.iteration, list(solver.window)) == (2, losses)
    solver.step(2)
    np.testing.assert_array_equal(solver.update.arena.data(), expected)


def test_weights_are_looked_for_beside_the_state_too():
    trained(2).snapshot()
    Path("moved").mkdir()
    for name in listing()[1:]:
        shutil.move(name, "moved")
    solver = Solver(SOLVER)
    solver.restore("moved/s_iter_2.solverstate")
    assert float(solver.net.params["g"][0].data[0]) != 1


def test_a_state_without_weights_leaves_them_alone():
    history = [np.zeros((1,), np.float32)] * 2
    write_state("bare.solverstate", State(iter=7, history=history))
    solver = Solver(SOLVER)
    solver.restore("bare.solverstate")
    assert solver.iteration == 7
    assert float(solver.net.params["g"][0].data[0]) == 1


def refusal(error, path):
    with pytest.raises(error) as caught:
        Solver(SOLVER).restore(path)
    return str(caught.value)


def test_a_state_of_another_net_or_solver_type_is_refused():
    write_state("few.solverstate", State(history=[np.zeros(1, np.float32)]))
    assert refusal(SolverError, "few.solverstate") == (
        "few.solverstate: Incorrect length of history blobs: it holds 1, "
        "SGD on net 'tiny' needs 2; resume with the net and solver type that wrote it"
    )
    history = [np.zeros((1,), np.float32), np.zeros((4, 2), np.float32)]
    write_state("large.solverstate", State(history=history))
    assert refusal(SolverError, "large.solverstate") == (
        "large.solverstate: history blob 1 has shape (4, 2), expected (1,); "
        "resume with the net that wrote it"
    )


def test_a_state_that_is_refused_changes_nothing():
    history = [np.ones((1,), np.float32), np.zeros((4, 2), np.float32)]
    write_state("large.solverstate", State(iter=5, history=history))
    solver = Solver(SOLVER)
    with pytest.raises(SolverError):
        solver.restore("large.solverstate")
    assert not solver.update.history[0].any()
    assert solver.iteration == 0


def test_missing_files_are_named():
    assert "none.solverstate: cannot be read: No such file" in refusal(
        ParseError, "none.solverstate"
    )
    trained(2).snapshot()
    Path("s_iter_2.caffemodel").unlink()
    assert "s_iter_2.caffemodel: cannot be read" in refusal(ParseError, "s_iter_2.solverstate")


def test_weights_that_do_not_fit_are_refused():
    _, state = trained(2).snapshot()
    Net(NET.replace("Count", "Noise") + "\n").save("s_iter_2.caffemodel")
    assert "Cannot copy param 0 weights from layer 'g'; shape mismatch" in refusal(NetError, state)


class Crash(Exception):
    """Something happens while a file is written."""


@pytest.mark.parametrize("victim", ["save", "write_state"])
def test_a_failure_while_writing_leaves_the_files_of_before(monkeypatch, victim):
    solver = trained(2)
    solver.snapshot()
    before = {name: Path(name).read_bytes() for name in listing()}

    def crash(*args, **options):
        raise Crash

    solver.net.params["g"][0].data[...] = 77
    with monkeypatch.context() as patch:
        patch.setattr(solver.net if victim == "save" else snapshot, victim, crash)
        with pytest.raises(Crash):
            solver.snapshot()
    assert Path("s_iter_2.solverstate").read_bytes() == before["s_iter_2.solverstate"]
    assert set(listing()) == set(before)


@pytest.mark.parametrize("suffix", ["", ".h5"])
@pytest.mark.parametrize("broken", ["caffemodel", "solverstate"])
def test_a_crash_in_the_middle_of_a_file_leaves_the_old_one(monkeypatch, suffix, broken):
    solver = trained(2, "snapshot_format: HDF5" if suffix else "")
    solver.snapshot()
    name = f"s_iter_2.{broken}{suffix}"
    before = Path(name).read_bytes()
    original = Path.replace

    def crash(self, target):
        if Path(target).name == name:
            assert self.stat().st_size > 0
            raise Crash
        return original(self, target)

    solver.net.params["g"][0].data[...] = 77
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", crash)
        with pytest.raises(Crash):
            solver.snapshot()
    assert Path(name).read_bytes() == before
    assert listing() == [f"s_iter_2.{kind}{suffix}" for kind in ("caffemodel", "solverstate")]


def of_bvlc(path):
    """Rewrite a state without what BVLC Caffe does not store."""
    state = read_state(path)
    history = [np.array(array) for array in state.history]
    write_state(path, State(state.iter, state.learned_net, state.current_step, history))


@pytest.mark.parametrize(
    ("text", "steps", "train", "test"),
    [
        ("", 5, 5, None),
        ("iter_size: 3", 5, 15, None),
        ("test_iter: 4 test_interval: 2", 5, 5, 3 * 4),
        ("test_iter: 4 test_interval: 2", 4, 4, 2 * 4),
        ("test_iter: 4 test_interval: 2 test_initialization: false", 5, 5, 2 * 4),
        ("test_iter: 4 test_interval: 2 test_initialization: false", 4, 4, 4),
        ("test_iter: 4 test_interval: 9", 5, 5, 4),
        ("test_iter: 4 test_interval: 9 test_initialization: false", 5, 5, 0),
        ("test_iter: 4 test_interval: 2", 0, 0, 0),
    ],
)
def test_a_state_of_bvlc_skips_the_batches_that_were_used(text, steps, train, test, messages):
    solver = trained(steps, text)
    counts = [net.layers["c"].done for net in (solver.net, *solver.test_nets)]
    _, state = solver.snapshot()
    of_bvlc(state)
    other = Solver(SOLVER + text)
    other.restore(state)
    skipped = [net.layers["c"].done for net in (other.net, *other.test_nets)]
    assert skipped == counts == [train] + [test] * (test is not None)
    line = f"s_iter_{steps}.solverstate has no data cursors: {train} training batches are skipped"
    assert line in messages()


def test_a_state_of_bvlc_without_weights_beside_it_is_refused_by_name():
    _, state = trained(2).snapshot()
    of_bvlc(state)
    Path("s_iter_2.caffemodel").unlink()
    assert "s_iter_2.caffemodel: cannot be read" in refusal(ParseError, state)
