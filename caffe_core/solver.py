"""Solver: trains a net, tests it, and keeps snapshots from which training goes on exactly."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from caffe_core import lr_policies
from caffe_core.device import Device
from caffe_core.errors import NonFiniteError, SolverError
from caffe_core.hooks import manager
from caffe_core.net import Net
from caffe_core.random_seed import fresh_seed
from caffe_core.snapshot import check_prefix, restore_snapshot, write_snapshot
from caffe_core.solver_nets import device_of, make_test_nets, make_train_net
from caffe_core.update import Update

log = logging.getLogger("caffe")

ACTIONS = ("snapshot", "stop")
Callback = Callable[[], object]


class Solver:
    """Minimises the loss of a net by the update rule that the definition names.

    Args:
        source: A solver prototxt file, its text, or a ``SolverParameter`` message.
        device: ``cpu`` or ``cuda:0``; None takes what ``solver_mode`` says.
        seed: Source of every random number; None takes ``random_seed``, or a fresh one.
        weights: ``.caffemodel`` files to start from, comma separated; None takes those that the
            definition names.
        level: Compared with ``min_level`` and ``max_level`` of the trained net's layer rules.
        stages: Compared with ``stage`` and ``not_stage`` of the trained net's layer rules.
        stop_on_nan: Raise when the loss is no longer finite.
        test_keep: What ``keep`` is for the nets that are tested: which blobs are to be looked at.
        net_options: Passed on to `Net`: ``dtype``, ``engines``, ``memory_format``, ...

    Attributes:
        param: The ``SolverParameter``.
        net: The net being trained.
        test_nets: The nets that are tested; they use its learned blobs.
        update: How gradients become new parameters; has the rule and its history.
        iteration: Updates done.
        rate: Learning rate of the last update.
        window: Losses of the last ``average_loss`` iterations.

    Raises:
        CaffeError: The definition cannot be read or built; the message says why.
    """

    def __init__(
        self,
        source: Any,
        *,
        device: str | Device | None = None,
        seed: int | None = None,
        weights: str | None = None,
        level: int = 0,
        stages: tuple[str, ...] = (),
        stop_on_nan: bool = True,
        test_keep: Sequence[str] | None = None,
        **net_options: Any,
    ):
        from caffe_core.proto.files import load_solver
        from caffe_core.proto.text import format as format_text

        self.param = load_solver(source)
        log.info("Initializing solver from parameters: \n%s", format_text(self.param))
        _check(self.param)
        if seed is None:
            seed = self.param.random_seed if self.param.random_seed >= 0 else fresh_seed()
        device = device_of(self.param) if device is None else device
        options = {"device": device, "level": level, "stages": stages, **net_options}
        self.net: Net = make_train_net(self.param, seed, options)
        options["keep"] = test_keep
        self.test_nets: list[Net] = make_test_nets(self.param, self.net, seed, options)
        assert self.net.arena is not None
        self.update = Update(self.param, self.net.arena, self.net.device)
        self.iteration = 0
        self.rate = 0.0
        self.stop_on_nan = stop_on_nan
        self.window: deque[float] = deque(maxlen=max(self.param.average_loss, 1))
        self._requests: set[str] = set()
        self._stopped = self._resumed = False
        self._callbacks: list[tuple[Callback, Callback]] = []
        log.info("Solver scaffolding done.")
        for path in weights.split(",") if weights else self.param.weights:
            log.info("Finetuning from %s", path)
            self.net.copy_from(path)

    def __repr__(self) -> str:
        return f"<Solver {self.param.type} of {self.net!r} at iteration {self.iteration}>"

    @property
    def max_iter(self) -> int:
        """How many updates `solve` makes in all."""
        return int(self.param.max_iter)

    @property
    def smoothed_loss(self) -> float:
        """Mean loss of the last ``average_loss`` iterations; 0 before the first."""
        return float(np.mean(self.window)) if self.window else 0.0

    def request(self, action: str) -> None:
        """Ask for a ``snapshot`` or ``stop`` after this iteration. Safe in a signal handler."""
        if action not in ACTIONS:
            raise SolverError(f"no action {action!r}; expected {' or '.join(ACTIONS)}")
        self._requests.add(action)

    def add_callback(self, on_start: Callback, on_gradients_ready: Callback) -> None:
        """Call these in every iteration: before its forward, and between backward and update.

        Plugins listen to hooks instead, which hold for all solvers.
        """
        self._callbacks.append((on_start, on_gradients_ready))

    def apply_update(self) -> None:
        """Update the learned blobs by the gradients that they hold, at this iteration's rate."""
        self._apply_update(self._is_shown())

    def solve(self, resume: str | Path | None = None) -> None:
        """Train until ``max_iter``, test and snapshot at their intervals.

        Args:
            resume: A ``.solverstate`` to go on from.

        Raises:
            NonFiniteError: The loss became NaN or infinite.
            SolverError: There is no directory for snapshots, or no learning rate.
        """
        check_prefix(self.param)
        lr_policies.learning_rate(self.param, self.iteration)
        log.info("Solving %s", self.net.name)
        log.info("Learning Rate Policy: %s", self.param.lr_policy)
        if resume is not None:
            log.info("Restoring previous solver status from %s", resume)
            self.restore(resume)
        hook = manager().hook
        hook.on_train_start(solver=self)
        try:
            self.step(self.max_iter - self.iteration)
            self._finish()
        finally:
            hook.on_train_end(solver=self)

    def step(self, iterations: int) -> None:
        """Make this many updates, with the tests, lines and snapshots that fall due.

        Raises:
            NonFiniteError: The loss became NaN or infinite.
        """
        if not self._resumed:
            self.window.clear()
        self._resumed = self._stopped = False
        hook, clock = manager().hook, _Clock(self.iteration)
        stop = self.iteration + iterations
        while self.iteration < stop:
            if self._test_is_due(first=self.param.test_initialization):
                self.test_all()
                if self._stopped:
                    return
            shown = self._is_shown()
            self.net.debug_info = shown and self.param.debug_info
            for on_start, _ in self._callbacks:
                on_start()
            loss = self._gradients()
            if shown:
                self._show(clock, loss)
            for _, on_gradients_ready in self._callbacks:
                on_gradients_ready()
            hook.on_gradients_ready(solver=self)
            self._apply_update(shown)
            self.iteration += 1
            hook.on_iteration_end(solver=self, loss=loss)
            self._snapshot_if_due()
            if self._stopped:
                return

    def test_all(self) -> None:
        """Run every test net. Stops between batches when a stop is requested."""
        for index in range(len(self.test_nets)):
            self.test(index)
            if self._stopped:
                return

    def test(self, index: int = 0) -> dict[str, Any]:
        """Run one test net for its ``test_iter`` batches; log and return the mean of each output.

        Returns:
            A number for each output that is one, else an array; nothing if a stop is requested
            meanwhile, or if there are no batches.
        """
        self._stopped = False
        log.info("Iteration %d, Testing net (#%d)", self.iteration, index)
        net = self.test_nets[index]
        total: list[Any] = []
        losses: list[float] = []
        for _ in range(self.param.test_iter[index]):
            self._heed_requests()
            if self._stopped:
                log.info("Test interrupted.")
                return {}
            losses.append(net.forward())
            values = [net.blobs[name].read() for name in net.outputs]
            total = [a + b for a, b in zip(total, values, strict=True)] if total else [
                value.astype(np.float64) for value in values
            ]  # fmt: skip
        if not losses:
            return {}
        if self.param.test_compute_loss:
            log.info("Test loss: %g", np.mean(losses))
        outputs = {name: sums / len(losses) for name, sums in zip(net.outputs, total, strict=True)}
        _log_outputs(net, "    Test net output", outputs)
        outputs = {name: float(m) if m.size == 1 else m for name, m in outputs.items()}
        manager().hook.on_test_end(solver=self, index=index, outputs=outputs)
        return outputs

    def snapshot(self) -> tuple[str, str]:
        """Write weights and state; return both paths."""
        model, state = write_snapshot(self)
        manager().hook.on_snapshot(solver=self, model=model, state=state)
        return model, state

    def restore(self, path: str | Path) -> None:
        """Go on from a ``.solverstate``, ours or BVLC Caffe's.

        Raises:
            ParseError: A file is missing or cannot be read.
            SolverError: It does not fit this solver.
        """
        restore_snapshot(self, path)
        self._resumed = True

    def close(self) -> None:
        """Stop the threads and close the files of all nets."""
        for net in (self.net, *self.test_nets):
            net.close()

    def _gradients(self) -> float:
        """Run forward and backward ``iter_size`` times; return the mean loss."""
        self.net.clear_param_diffs()
        loss: float = 0.0
        for _ in range(self.param.iter_size):
            loss += self.net.forward()
            if self.stop_on_nan and not math.isfinite(loss):
                raise self._non_finite(loss)
            self.net.backward()
        loss /= self.param.iter_size
        self.window.append(loss)
        return loss

    def _non_finite(self, loss: float) -> NonFiniteError:
        found = self.net.first_non_finite() or "none: the sum of the losses overflowed"
        return NonFiniteError(
            f"iteration {self.iteration}: the loss is {loss}, expected a finite number. "
            f"First blob that is not finite: {found}. Lower base_lr, set clip_gradients or check "
            "the data; to go on regardless, use --on-nan continue"
        )

    def _apply_update(self, shown: bool) -> None:
        self.rate = lr_policies.learning_rate(self.param, self.iteration)
        if shown:
            log.info("Iteration %d, lr = %g", self.iteration, self.rate)
        if self.net.arena is not self.update.arena:
            raise SolverError(
                f"net {self.net.name!r} uses the learned blobs of another net for training, which "
                "an update would not reach; make that net share those of this one instead"
            )
        self.update.apply(self.rate, self.iteration)

    def _is_shown(self) -> bool:
        return bool(self.param.display) and self.iteration % self.param.display == 0

    def _show(self, clock: _Clock, loss: float) -> None:
        seconds, done = clock.lap(self.iteration)
        log.info(
            "Iteration %d (%g iter/s, %gs/%d iters), loss = %g",
            self.iteration,
            done / seconds,
            seconds,
            self.param.display,
            self.smoothed_loss,
        )
        values = {name: self.net.blobs[name].read() for name in self.net.outputs}
        _log_outputs(self.net, "    Train net output", values)

    def _test_is_due(self, first: bool) -> bool:
        interval = self.param.test_interval
        due = bool(interval) and self.iteration % interval == 0
        return due and (self.iteration > 0 or first) and bool(self.test_nets)

    def _snapshot_if_due(self) -> None:
        every = self.param.snapshot
        if every and self.iteration % every == 0:
            self._requests.add("snapshot")
        self._heed_requests()

    def _heed_requests(self) -> None:
        if "snapshot" in self._requests:
            self._requests.discard("snapshot")
            self.snapshot()
        if "stop" in self._requests:
            self._requests.discard("stop")
            self._stopped = True

    def _finish(self) -> None:
        """After the last iteration: a last snapshot, loss and test."""
        every = self.param.snapshot
        if self.param.snapshot_after_train and not (every and self.iteration % every == 0):
            self.snapshot()
        if self._stopped:
            log.info("Optimization stopped early.")
            return
        if self._is_shown():
            self.window.append(self.net.forward())
            log.info("Iteration %d, loss = %g", self.iteration, self.smoothed_loss)
        if self._test_is_due(first=True):
            self.test_all()
        log.info("Optimization Done.")


class _Clock:
    """Time since the last line, and the iterations done meanwhile."""

    def __init__(self, iteration: int):
        self._time, self._iteration = time.perf_counter(), iteration - 1

    def lap(self, iteration: int) -> tuple[float, int]:
        now = time.perf_counter()
        seconds, done = max(now - self._time, 1e-9), iteration - self._iteration
        self._time, self._iteration = now, iteration
        return seconds, done


def _check(param: Any) -> None:
    """Raise a SolverError for numbers that make no sense."""
    least_values = {"iter_size": 1, "average_loss": 1, "max_iter": 0, "display": 0, "snapshot": 0}
    for field, least in least_values.items():
        value = getattr(param, field)
        if value < least:
            raise SolverError(f"solver: {field} is {value}; expected at least {least}")


def _log_outputs(net: Net, title: str, values: dict[str, Any]) -> None:
    """Log every number of every output, with its part in the loss."""
    weights, index = net.loss_weights, 0
    for name, array in values.items():
        for value in np.ravel(array):
            weight = weights[name]
            part = f" (* {weight:g} = {weight * value:g} loss)" if weight else ""
            log.info("%s #%d: %s = %g%s", title, index, name, value, part)
            index += 1
