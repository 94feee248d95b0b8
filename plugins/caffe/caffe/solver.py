"""Solvers, as pycaffe shows them."""

from __future__ import annotations

import functools
import weakref
from array import array
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import caffe_core
from caffe.mode import device_name
from caffe.net import Net
from caffe_core.proto.files import load_solver
from caffe_core.registry import solvers


class Solver:
    """Trains a net. `get_solver` makes one of the type that the definition names.

    It runs where `set_mode_cpu`, `set_mode_gpu` and `set_device` say, whatever ``solver_mode`` is.

    Args:
        solver_file: A solver prototxt file, its text, or a ``SolverParameter`` message.
        options: Passed on to `caffe_core.Solver`: ``seed``, ``keep``, ``precision``, ...

    Attributes:
        losses: The loss of every iteration that this object has made.

    Raises:
        CaffeError: The definition cannot be read or built; the message says why.
    """

    type: ClassVar[str] = ""

    def __init__(self, solver_file: Any, **options: Any):
        param = load_solver(solver_file)
        if self.type:
            param.type = self.type
        options.setdefault("device", device_name())
        self._solver = caffe_core.Solver(param, **options)
        self.losses = losses = array("d")
        # What the solver holds must not hold the solver: it shall go as soon as it is dropped.
        solver = weakref.proxy(self._solver)
        self._solver.add_callback(_nothing, lambda: losses.append(solver.window[-1]))

    def __repr__(self) -> str:
        return repr(self._solver)

    def _repr_html_(self) -> str:
        from caffe.display import solver_html

        return solver_html(self)

    @cached_property
    def net(self) -> Net:
        """The net being trained."""
        return Net._showing(self._solver.net)

    @cached_property
    def test_nets(self) -> list[Net]:
        """The nets that are tested; they use the learned blobs of `net`."""
        return [Net._showing(net) for net in self._solver.test_nets]

    @property
    def iter(self) -> int:
        """Updates done."""
        return self._solver.iteration

    @property
    def param(self) -> Any:
        """The ``SolverParameter`` message."""
        return self._solver.param

    def step(self, iterations: int) -> None:
        """Make this many updates, with the tests and snapshots that fall due."""
        self._solver.step(iterations)

    def solve(self, resume_file: str | Path | None = None) -> None:
        """Train until ``max_iter``, going on from a ``.solverstate`` if one is given."""
        self._solver.solve(resume_file)

    def restore(self, state_file: str | Path) -> None:
        """Go on from a ``.solverstate``."""
        self._solver.restore(state_file)

    def snapshot(self) -> None:
        """Write weights and state to ``<snapshot_prefix>_iter_<N>``."""
        self._solver.snapshot()

    def apply_update(self) -> None:
        """Update the learned blobs by the gradients that they hold; `iter` stays."""
        self._solver.apply_update()

    def add_callback(
        self, on_start: Callable[[], object], on_gradients_ready: Callable[[], object]
    ) -> None:
        """Call these in each iteration: before its forward, and between backward and update."""
        self._solver.add_callback(on_start, on_gradients_ready)

    def share_weights(self, net: Net) -> None:
        """Let `net` use the learned blobs of `self.net` in all layers of the same name."""
        net.share_with(self.net)

    @property
    def max_iter(self) -> int:
        """How many updates `solve` makes in all."""
        return self._solver.max_iter

    @property
    def lr(self) -> float:
        """Learning rate of the last update; 0 before the first."""
        return self._solver.rate


def _nothing() -> None:
    """What is done at the start of an iteration."""


@functools.cache
def solver_class(solver_type: str) -> type[Solver]:
    """Return the class of a solver type: ``SGDSolver`` for ``SGD``.

    Raises:
        PluginError: No plugin supplies the type.
    """
    rule = solvers[solver_type]
    name = f"{solver_type}Solver"
    return type(name, (Solver,), {"type": solver_type, "__doc__": rule.__doc__})


def get_solver(solver_file: Any, **options: Any) -> Solver:
    """Return a solver of the type that the definition names.

    Raises:
        CaffeError: The definition cannot be read or built; the message says why.
    """
    param = load_solver(solver_file)
    return solver_class(param.type)(param, **options)
