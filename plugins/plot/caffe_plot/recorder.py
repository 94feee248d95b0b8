"""Recorder: listens to a solver and keeps the picture up to date."""

from __future__ import annotations

import logging
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from caffe_core.errors import CaffeError
from caffe_core.hooks import hookimpl
from caffe_core.proto.files import atomic_write
from caffe_plot.curves import Curves
from caffe_plot.picture import draw

log = logging.getLogger("caffe")

_SHARE = 0.05  # of the time may go into drawing while training goes on


class Recorder:
    """Collects what a solver tells and writes `path` after tests and snapshots, and at the end.

    Args:
        path: A ``.png``, ``.svg`` or ``.pdf`` file; replaced whole each time.
    """

    def __init__(self, path: Path):
        self.path = path
        self.curves = Curves()
        self._due = 0.0

    @hookimpl
    def on_train_start(self, solver: Any) -> None:
        """Note what is trained."""
        self.curves.title = solver.net.name

    @hookimpl
    def on_iteration_end(self, solver: Any, loss: float) -> None:
        """Note loss and learning rate."""
        self.curves.add_iteration(solver.iteration, loss, solver.rate)

    @hookimpl
    def on_test_end(self, solver: Any, index: int, outputs: dict[str, Any]) -> None:
        """Note the mean of each output."""
        weights = solver.test_nets[index].loss_weights
        suffix = f" #{index}" if len(solver.test_nets) > 1 else ""
        for name, value in outputs.items():
            mean = float(np.mean(value))
            self.curves.add_test(
                f"test {name}{suffix}", solver.iteration, mean, bool(weights[name])
            )
        self._save_if_due()

    @hookimpl
    def on_snapshot(self, solver: Any, model: str, state: str) -> None:
        """Bring the picture up to date."""
        self._save_if_due()

    @hookimpl
    def on_train_end(self, solver: Any) -> None:
        """Write the last picture."""
        self._save()

    def _save_if_due(self) -> None:
        start = monotonic()
        if start >= self._due:
            self._save()
            self._due = monotonic() + (monotonic() - start) / _SHARE

    def _save(self) -> None:
        """Write the picture; if that fails, training matters more and goes on."""
        if not self.curves:
            return
        figure = draw(self.curves)
        try:
            with atomic_write(self.path) as file:
                figure.savefig(file, format=self.path.suffix[1:].lower())
        except CaffeError as error:
            log.warning("%s", error)
