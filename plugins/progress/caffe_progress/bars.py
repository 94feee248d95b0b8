"""Listeners that draw a bar with rich. While it is drawn, rich prints standard error above it."""

from __future__ import annotations

import atexit
import logging
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from caffe_core.hooks import hookimpl

_INTERVAL = 0.1  # seconds between two updates: an update costs more than a small net's iteration


class Speed(ProgressColumn):
    """Iterations a second."""

    def render(self, task: Task) -> Text:
        """Return the text."""
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("- it/s")
        return Text(f"{speed:.3g} it/s" if speed < 100 else f"{speed:.0f} it/s")


class Bar:
    """A bar that is on the screen from `start` to `stop`, at the latest until the process ends."""

    def __init__(self, console: Console, *columns: ProgressColumn):
        self.progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            *columns,
            Speed(),
            TimeRemainingColumn(),
            console=console,
            expand=True,
            refresh_per_second=4,
        )
        self._due = 0.0

    def start(self, description: str, total: int, completed: int = 0, **fields: str) -> None:
        """Draw the bar."""
        self.task = self.progress.add_task(description, total=total, completed=completed, **fields)
        self.progress.start()
        atexit.register(self.progress.stop)  # gives the cursor back, whatever happens

    def is_due(self) -> bool:
        """Whether it is time for another update."""
        now = monotonic()
        if now < self._due:
            return False
        self._due = now + _INTERVAL
        return True

    def stop(self) -> None:
        """Leave the bar as it is."""
        self.progress.stop()
        atexit.unregister(self.progress.stop)


class TrainBar(Bar):
    """Iteration, smoothed loss, learning rate, speed and time left of a solver."""

    def __init__(self, console: Console):
        loss, rate = (TextColumn(f"{name} {{task.fields[{name}]}}") for name in ("loss", "lr"))
        super().__init__(console, loss, rate)

    @hookimpl
    def on_train_start(self, solver: Any) -> None:
        """Draw the bar, from the iteration at which training goes on."""
        name = solver.net.name or "training"
        self.start(name, solver.param.max_iter, solver.iteration, loss="-", lr="-")

    @hookimpl
    def on_iteration_end(self, solver: Any, loss: float) -> None:
        """Move on."""
        if self.is_due():
            self._show(solver)

    @hookimpl
    def on_train_end(self, solver: Any) -> None:
        """Show the last figures and leave the bar as it is."""
        self._show(solver)
        self.stop()

    def _show(self, solver: Any) -> None:
        self.progress.update(
            self.task,
            completed=solver.iteration,
            loss=f"{solver.smoothed_loss:.4g}",
            lr=f"{solver.rate:.4g}",
        )


class TestBar(Bar):
    """Batches done by ``caffe test``, told by its log."""

    def __init__(self, console: Console, iterations: int):
        super().__init__(console)
        self.iterations = iterations

    @hookimpl
    def on_log(self, record: logging.LogRecord) -> None:
        """Follow the lines ``Running for``, ``Batch`` and ``Loss:``."""
        message = record.getMessage()
        if message.startswith("Running for "):
            self.start("testing", self.iterations)
        elif message.startswith("Batch ") and self.is_due():
            batch = int(message.removeprefix("Batch ").partition(",")[0])
            self.progress.update(self.task, completed=batch)
        elif message.startswith("Loss: "):
            self.progress.update(self.task, completed=self.iterations)
            self.stop()
