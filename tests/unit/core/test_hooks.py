from __future__ import annotations

import types

import pytest

from caffe_core import hooks, registry
from caffe_core.hooks import hookimpl, manager
from caffe_core.net import Net
from caffe_core.solver import Solver

SOLVER = """
net_param {
  name: "tiny"
  layer { name: "n" type: "Noise" top: "x" }
  layer { name: "g" type: "Gain" bottom: "x" top: "y" }
  layer { name: "loss" type: "Total" bottom: "y" top: "loss" }
}
base_lr: 0.1 lr_policy: "fixed" max_iter: 2 snapshot: 2 test_iter: 1 test_interval: 2
random_seed: 1 solver_mode: CPU
"""


class Recorder:
    """A listener that writes down every call."""

    def __init__(self):
        self.calls = []

    @hookimpl
    def on_net_built(self, net):
        self.calls.append(("net_built", net.phase.name))

    @hookimpl
    def on_train_start(self, solver):
        self.calls.append(("train_start", solver.iteration))

    @hookimpl
    def on_gradients_ready(self, solver):
        gradient = float(solver.net.params["g"][0].diff.sum())
        assert gradient != 0
        self.gradient, self.before = gradient, float(solver.net.params["g"][0].data.sum())
        self.calls.append(("gradients_ready", solver.iteration))

    @hookimpl
    def on_iteration_end(self, solver, loss):
        assert float(solver.net.params["g"][0].data.sum()) != self.before
        assert loss == solver.window[-1]
        self.calls.append(("iteration_end", solver.iteration))

    @hookimpl
    def on_test_end(self, solver, index, outputs):
        assert list(outputs) == ["loss"]
        self.calls.append(("test_end", solver.iteration, index))

    @hookimpl
    def on_snapshot(self, solver, model, state):
        self.calls.append(("snapshot", model, state))

    @hookimpl
    def on_train_end(self, solver):
        self.calls.append(("train_end", solver.iteration))


@pytest.fixture
def listen():
    """Register a listener for one test."""
    registered = []

    def register(listener):
        manager().register(listener)
        registered.append(listener)
        return listener

    yield register
    for listener in registered:
        manager().unregister(listener)


def test_listeners_are_called_in_the_order_of_training(listen, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recorder = listen(Recorder())
    Solver(SOLVER).solve()
    files = ("snapshot", "_iter_2.caffemodel", "_iter_2.solverstate")
    assert recorder.calls == [
        ("net_built", "TRAIN"), ("net_built", "TEST"),
        ("train_start", 0), ("test_end", 0, 0),
        ("gradients_ready", 0), ("iteration_end", 1),
        ("gradients_ready", 1), ("iteration_end", 2), files,
        ("test_end", 2, 0), ("train_end", 2),
    ]  # fmt: skip


def test_training_has_ended_also_if_it_failed(listen, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recorder = listen(Recorder())
    listen(types.SimpleNamespace(on_iteration_end=hookimpl(lambda solver: 1 / 0)))
    with pytest.raises(ZeroDivisionError):
        Solver(SOLVER).solve()
    assert recorder.calls[-1] == ("train_end", 1)


def test_a_listener_may_change_gradients_before_the_update(listen):
    class Freeze:
        @hookimpl
        def on_gradients_ready(self, solver):
            solver.net.clear_param_diffs()

    listen(Freeze())
    solver = Solver(SOLVER)
    solver.step(1)
    assert (solver.net.params["g"][0].data == 1).all()


def test_every_hook_is_called_with_its_documented_arguments():
    specified = [name for name in vars(hooks) if name.startswith("on_")]
    assert len(specified) <= 10
    for name in specified:
        assert getattr(hooks, name).__doc__
        assert getattr(manager().hook, name).spec is not None


@pytest.fixture
def fresh_manager():
    """Let the manager be made anew, in the test and after it."""
    manager.cache_clear()
    yield
    manager.cache_clear()


def plugins(monkeypatch, **found):
    """Pretend that these hook plugins are installed; an exception is raised on use."""

    def get(self, name):
        if isinstance(found[name], Exception):
            raise found[name]
        return found[name]

    monkeypatch.setattr(type(registry.hooks), "__getitem__", get)
    monkeypatch.setattr(type(registry.hooks), "names", lambda self: sorted(found))


class Mistaken:
    @hookimpl
    def on_net_built(self, net, colour):
        raise AssertionError("never called")


BROKEN = registry.PluginError("hook plugin 'a' from zoo 1.0 does not import: boom")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (BROKEN, "hook plugin 'a' from zoo 1.0 does not import: boom; it is left out"),
        (Mistaken(), "hook plugin 'a' cannot be registered: "),
    ],
)
def test_a_broken_plugin_is_left_out_with_a_warning(
    fresh_manager, monkeypatch, messages, broken, message
):
    good = Recorder()
    plugins(monkeypatch, a=broken, b=good)
    found = manager()
    assert [name for name, _ in found.list_name_plugin()] == ["b"]
    assert messages()[0].startswith(message)
    monkeypatch.undo()
    Net('layer { name: "n" type: "Noise" top: "x" }')
    assert good.calls == [("net_built", "TEST")]


def test_plugins_are_found_by_entry_points(fresh_manager, monkeypatch):
    good = Recorder()
    plugins(monkeypatch, b=good)
    assert manager().get_plugin("b") is good
    assert manager() is manager()
