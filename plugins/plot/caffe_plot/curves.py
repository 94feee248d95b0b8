"""Curves: the numbers of a training run, ready to be drawn."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np

_POINTS = 2000  # more of them cannot be told apart in a picture


@dataclass
class Test:
    """The values of one output of a test net.

    Attributes:
        is_loss: It counts in the objective.
        iterations: When it was tested.
        values: Its means.
    """

    is_loss: bool
    iterations: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


@dataclass
class Curves:
    """What is known of a run.

    Attributes:
        title: What is trained.
        iterations: The iterations done.
        losses: Training loss of each.
        rates: Learning rate of each.
        tests: Test outputs by label.
    """

    title: str = ""
    iterations: array[int] = field(default_factory=lambda: array("q"))
    losses: array[float] = field(default_factory=lambda: array("d"))
    rates: array[float] = field(default_factory=lambda: array("d"))
    tests: dict[str, Test] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.iterations or self.tests)

    def add_iteration(self, iteration: int, loss: float, rate: float) -> None:
        """Add one iteration of training."""
        self.iterations.append(iteration)
        self.losses.append(loss)
        self.rates.append(rate)

    def add_test(self, label: str, iteration: int, value: float, is_loss: bool) -> None:
        """Add the mean of one output of a test."""
        test = self.tests.setdefault(label, Test(is_loss))
        test.iterations.append(iteration)
        test.values.append(value)


def thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return no more points of a smooth curve than a picture can show."""
    step = max(len(x) // _POINTS, 1)
    return x[::step], y[::step]


def extremes(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return `x` and `y` thinned out so that every peak of `y` stays visible."""
    width = len(y) // _POINTS
    if width < 2:
        return x, y
    bins = y[: len(y) // width * width].reshape(-1, width)
    thin = np.stack([np.fmin.reduce(bins, axis=1), np.fmax.reduce(bins, axis=1)], axis=1)
    starts = x[: bins.size : width]
    return np.repeat(starts, 2), thin.ravel()


def smoothed(y: np.ndarray) -> np.ndarray:
    """Return the mean of `y` around each point, over a fiftieth of all; NaN is skipped.

    Near the start, where a loss falls fast, the mean reaches over fewer points.
    """
    places = np.arange(len(y))
    half = np.minimum(places, max(len(y) // 100, 1))
    low, high = places - half, np.minimum(places + half + 1, len(y))
    finite = np.isfinite(y)
    total = np.concatenate([[0.0], np.cumsum(np.where(finite, y, 0.0))])
    count = np.concatenate([[0], np.cumsum(finite)])
    number = count[high] - count[low]
    return np.where(number > 0, (total[high] - total[low]) / np.maximum(number, 1), np.nan)
