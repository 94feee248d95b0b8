"""Case: one row of a layer's contract, and an example of its use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Input:
    """What one bottom of a case holds: random numbers of this shape.

    Attributes:
        shape: Length of each axis.
        low: Least value; None draws from the standard normal distribution instead.
        high: Greatest value, not reached by integers.
        integer: Whole numbers, such as labels. They get no gradient.
    """

    shape: tuple[int, ...]
    low: float | None = None
    high: float = 1.0
    integer: bool = False


def labels(shape: tuple[int, ...], classes: int) -> Input:
    """Whole numbers from 0 to ``classes - 1``."""
    return Input(shape, 0, classes, integer=True)


def uniform(shape: tuple[int, ...], low: float, high: float) -> Input:
    """Real numbers between `low` and `high`."""
    return Input(shape, low, high)


@dataclass(frozen=True)
class Case:
    """A layer in use: its parameters as prototxt and the bottoms it is given.

    Attributes:
        params: What stands between ``type:`` and the closing brace in a prototxt, such as
            ``"relu_param { negative_slope: 0.1 }"``.
        bottom: A shape or `Input` for each bottom.
        tops: How many tops to ask for.
        phase: ``TRAIN`` or ``TEST``.
        gradient: Whether backward is the derivative of forward; False for layers that are random
            or have no gradient.
        note: What the case shows, for the docs.
    """

    params: str = ""
    bottom: Sequence[tuple[int, ...] | Input] = ((2, 3, 4, 5),)
    tops: int = 1
    phase: str = "TRAIN"
    gradient: bool = True
    note: str = ""

    def inputs(self) -> list[Input]:
        """Return an `Input` for each bottom."""
        return [each if isinstance(each, Input) else Input(tuple(each)) for each in self.bottom]
