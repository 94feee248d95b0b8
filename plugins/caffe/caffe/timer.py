"""Timer: measures how long something takes."""

from __future__ import annotations

from time import perf_counter


class Timer:
    """A stop watch.

    Attributes:
        ms: Milliseconds from `start` to `stop`, or until now.
    """

    def __init__(self) -> None:
        self._begin = self._end = 0.0
        self._running = False

    def start(self) -> None:
        """Start from zero."""
        self._begin, self._running = perf_counter(), True

    def stop(self) -> None:
        """Stop."""
        if self._running:
            self._end, self._running = perf_counter(), False

    @property
    def ms(self) -> float:
        """Milliseconds from `start` to `stop`, or until now."""
        return ((perf_counter() if self._running else self._end) - self._begin) * 1e3
