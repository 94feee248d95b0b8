from __future__ import annotations

import os
import signal

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGHUP")


def wait_for(child, words: str) -> list[str]:
    """Read the log of `child` up to a line that has `words`."""
    lines = []
    for line in child.stderr:
        lines.append(line)
        if words in line:
            return lines
    pytest.fail(f"{words!r} never came:\n{''.join(lines)}")


@pytest.fixture
def training(spawn, endless):
    def start(*argv: str):
        child = spawn("train", "-solver", endless, *argv)
        wait_for(child, "Iteration 10 ")
        return child

    return start


def test_sigint_stops_after_a_snapshot(training, workdir):
    child = training()
    child.send_signal(signal.SIGINT)
    _, log = child.communicate(timeout=60)
    assert child.returncode == 0
    assert "Optimization stopped early." in log
    assert log.rstrip().endswith("Optimization Done.")
    (model,) = workdir.glob("tiny_iter_*.caffemodel")
    assert model.with_suffix(".solverstate").exists()


def test_sighup_makes_a_snapshot_and_training_goes_on(training, workdir):
    child = training()
    child.send_signal(signal.SIGHUP)
    wait_for(child, "Snapshotting solver state to binary proto file")
    wait_for(child, ", lr = ")
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode == 0
    assert len(list(workdir.glob("tiny_iter_*.solverstate"))) == 2


def test_the_effects_can_be_swapped(training, workdir):
    child = training("-sigint_effect=snapshot", "-sighup_effect", "stop")
    child.send_signal(signal.SIGINT)
    wait_for(child, "Snapshotting solver state to binary proto file")
    wait_for(child, ", lr = ")
    child.send_signal(signal.SIGHUP)
    _, log = child.communicate(timeout=60)
    assert child.returncode == 0
    assert "Optimization stopped early." in log


def test_none_means_that_nothing_happens(training, workdir):
    child = training("-sigint_effect=none", "-sighup_effect=none")
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGHUP)
    wait_for(child, ", lr = ")
    wait_for(child, ", lr = ")
    assert child.poll() is None
    assert not list(workdir.glob("tiny_iter_*"))


class Busy:
    """A solver that never gets round to a request."""

    def __init__(self):
        self.requests = []

    def request(self, action):
        self.requests.append(action)


def test_a_second_sigint_does_not_wait():
    from caffe_core.cli.signals import signals_to

    solver, before = Busy(), signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), signals_to(solver, "stop", "snapshot"):  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        assert solver.requests == ["stop"]
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_every_sigint_that_means_a_snapshot_is_obeyed():
    from caffe_core.cli.signals import signals_to

    solver = Busy()
    with signals_to(solver, "snapshot", "none"):
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGHUP):
            signal.raise_signal(number)
    assert solver.requests == ["snapshot", "snapshot"]


def test_ctrl_c_before_training_ends_silently(spawn, endless):
    child = spawn("train", "-solver", endless)
    wait_for(child, "Creating Layer")
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode in (0, 130)  # 0: the solver was ready sooner


class Closing:
    """Is interrupted while it is freed, where Python drops the exception."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_within_a_finalizer_is_not_lost():
    from caffe_core.cli.signals import interrupts_kept

    before, reached = signal.getsignal(signal.SIGINT), False
    with pytest.raises(KeyboardInterrupt), interrupts_kept():  # noqa: PT012
        Closing()
        reached = True
    assert reached
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_is_raised_at_once_where_it_can_be():
    from caffe_core.cli.signals import interrupts_kept

    before, reached = signal.getsignal(signal.SIGINT), False
    with pytest.raises(KeyboardInterrupt), interrupts_kept():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        reached = True
    assert not reached
    assert signal.getsignal(signal.SIGINT) is before
