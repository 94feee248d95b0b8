"""Case: one row of a layer's contract, and an example of its use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caffe_core.layer import Layer


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
        tops: How many tops to ask for; a type with ``equal_counts`` gets one for each bottom.
        phase: ``TRAIN`` or ``TEST``.
        gradient: Whether backward is the derivative of forward; False for layers that are random
            or have no gradient.
        note: What the case shows, for the docs.
        blobs: A shape or `Input` for each learned blob, where standard normal numbers do not do.
        ignored_tops: Tops whose diff backward ignores, such as the mask of MAX pooling. Those of a
            loss after its first need not be named.
        files: Writes what the layer reads from disk into the folder it is given, which is the
            working directory while the case runs.
        ready: Called with the layer when it is set up and shaped, such as to feed MemoryData.
    """

    params: str = ""
    bottom: Sequence[tuple[int, ...] | Input] = ((2, 3, 4, 5),)
    tops: int = 1
    phase: str = "TRAIN"
    gradient: bool = True
    note: str = ""
    blobs: Sequence[tuple[int, ...] | Input] = ()
    ignored_tops: Sequence[int] = ()
    files: Callable[[Path], object] | None = None
    ready: Callable[[Layer], object] | None = None

    def inputs(self) -> list[Input]:
        """Return an `Input` for each bottom."""
        return _as_inputs(self.bottom)

    def blob_inputs(self) -> list[Input]:
        """Return an `Input` for each learned blob that the case gives."""
        return _as_inputs(self.blobs)


def _as_inputs(specs: Sequence[tuple[int, ...] | Input]) -> list[Input]:
    return [each if isinstance(each, Input) else Input(tuple(each)) for each in specs]
