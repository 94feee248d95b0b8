"""How a small blob lies along some axes of a large one: what Bias and Scale have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from caffe_core.blob import Blob, Shape
from caffe_core.layer import Layer


@dataclass(frozen=True)
class Alignment:
    """A blob that spans the axes of a larger one from `start` up to, not including, `end`.

    Attributes:
        start: The first axis.
        end: The axis after the last.
        axes: How many axes the larger blob has.
    """

    start: int
    end: int
    axes: int

    @property
    def others(self) -> Shape:
        """The axes of the larger blob that the smaller one does not span."""
        return (*range(self.start), *range(self.end, self.axes))

    def spread(self, array: Any) -> Any:
        """Return a view of the smaller blob's array that broadcasts over the larger one's."""
        return array[(..., *(None,) * (self.axes - self.end))]


def learned_shape(layer: Layer, bottom: Blob, axis: int, num_axes: int) -> Shape:
    """Return the shape of a learned blob that spans `num_axes` axes of `bottom` from `axis` on.

    Raises:
        LayerError: The bottom has too few axes.
    """
    if num_axes == 0:
        return ()
    start = bottom.axis(axis)
    end = len(bottom.shape) if num_axes == -1 else start + num_axes
    if num_axes < -1 or end > len(bottom.shape):
        raise layer.error(
            f"num_axes is {num_axes} with axis {axis}, bottom {layer.param.bottom[0]!r} has shape "
            f"{bottom.shape}; expected -1 for all, or up to {len(bottom.shape) - start} axes"
        )
    return bottom.shape[start:end]


def aligned(layer: Layer, bottom: Blob, small: Blob, axis: int, what: str) -> Alignment:
    """Return how `small` lies along `bottom`, from `axis` on. A single number fits anywhere.

    Raises:
        LayerError: It does not have the shape of these axes.
    """
    start = bottom.axis(axis) if small.shape else 0
    end = start + len(small.shape)
    if bottom.shape[start:end] != small.shape:
        raise layer.error(
            f"{what} has shape {small.shape}, bottom {layer.param.bottom[0]!r} {bottom.shape} has "
            f"{bottom.shape[start:end]} from axis {start} on; change one of them, or axis"
        )
    return Alignment(start, end, len(bottom.shape))
