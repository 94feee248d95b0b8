"""Reshape: the same values in another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

from caffe_core.blob import Blob, Shape
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.testing import Case


class Reshape(Layer):
    """Replaces ``num_axes`` axes from ``axis`` on, all that remain if -1, by those of ``shape``.

    In ``shape``, 0 copies the length of the bottom's axis at the same position, and -1, which may
    stand once, takes what is left. A negative ``axis`` counts from behind the last axis: -1 appends
    axes. The top uses the memory of the bottom.
    """

    facts = Facts(shares_bottom=True, backward_reads=frozenset())

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the new axes."""
        self.dims = list(self.param.reshape_param.shape.dim)
        if self.dims.count(-1) > 1 or min(self.dims, default=0) < -1:
            raise self.error(
                f"the shape is {self.dims}; expected lengths, 0 to copy one, and -1 at most once"
            )

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top its shape and the bottom's memory."""
        old = bottom[0].shape
        start, end = self._span(old)
        shape = [*old[:start], *self._copied(old, start), *old[end:]]
        if -1 in shape:
            shape[shape.index(-1)] = _left(old, shape)
        if math.prod(shape) != bottom[0].count:
            raise self.error(
                f"bottom {self.param.bottom[0]!r} {old} has {bottom[0].count} values, which do not "
                f"fill the shape {tuple(shape)}; correct the dims of reshape_param.shape"
            )
        top[0].reshape(shape)
        top[0].share_data(bottom[0])
        top[0].share_diff(bottom[0])

    def _span(self, old: Shape) -> tuple[int, int]:
        """The first of the axes that are replaced, and the axis after the last."""
        param = self.param.reshape_param
        start = param.axis if param.axis >= 0 else len(old) + 1 + param.axis
        end = len(old) if param.num_axes == -1 else start + param.num_axes
        if not 0 <= start <= end <= len(old) or param.num_axes < -1:
            raise self.error(
                f"axis {param.axis} and num_axes {param.num_axes} replace axes {start} to "
                f"{end - 1}, which bottom {self.param.bottom[0]!r} {old} does not have; "
                "change axis or num_axes"
            )
        return start, end

    def _copied(self, old: Shape, start: int) -> list[int]:
        """The new axes, with lengths for zeros."""
        for position, dim in enumerate(self.dims, start):
            if dim == 0 and position >= len(old):
                raise self.error(
                    f"dim {position - start} of the shape copies axis {position}, which bottom "
                    f"{self.param.bottom[0]!r} {old} does not have; give the length instead"
                )
        return [dim or old[position] for position, dim in enumerate(self.dims, start)]


def _left(old: Shape, shape: Sequence[int]) -> int:
    """The length to put for -1 so that `shape` holds as many values as `old`, if one does.

    Without any items, any length would do: then it is what it would be for one item.
    """
    given = -math.prod(shape)
    if given == 0:
        return _left([max(dim, 1) for dim in old], [dim or 1 for dim in shape])
    return math.prod(old) // given


class ReshapeKernel(Kernel):
    """Reshape by nothing at all."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Do nothing: the top shares the data of the bottom."""

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Do nothing: the bottom shares the diff of the top."""


CASES = [
    Case("reshape_param { shape { dim: 0 dim: -1 } }", note="each item as a vector"),
    Case("reshape_param { shape { dim: 3 dim: 2 } axis: 1 num_axes: 1 }", bottom=[(2, 6, 4)]),
    Case("reshape_param { shape { dim: 1 dim: 1 } axis: -1 }", bottom=[(2, 3)], note="two more"),
    Case("reshape_param { shape { dim: -1 } axis: -3 }", bottom=[(2, 3, 4)]),
    Case("reshape_param { shape { dim: 1 } axis: 1 num_axes: 0 }", bottom=[(2, 3)]),
    Case("reshape_param { shape {} axis: 1 }", bottom=[(4, 1, 1)], note="axes of length 1 go"),
]
