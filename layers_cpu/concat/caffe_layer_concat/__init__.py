"""Concat: bottoms one after the other along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, at_least
from caffe_core.testing import Case


class Concat(Layer):
    """Joins bottoms that agree in all axes but one, along that one.

    The top of a single bottom uses that bottom's memory.
    """

    bottoms = at_least(1)
    facts = Facts(backward_reads=frozenset())

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the axis, from ``axis`` or from ``concat_dim`` of older nets."""
        param = self.param.concat_param
        if param.HasField("axis") and param.HasField("concat_dim"):
            raise self.error("axis and concat_dim are both given; remove concat_dim")
        given = param.concat_dim if param.HasField("concat_dim") else param.axis
        self.axis = bottom[0].axis(given)
        if len(bottom) == 1:
            self.facts = Facts(elementwise=True, shares_bottom=True, backward_reads=frozenset())

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Add up the lengths along the axis."""
        first, names = bottom[0].shape, self.param.bottom
        for name, below in zip(names, bottom, strict=True):
            if self._other_axes(below) != self._other_axes(bottom[0]):
                raise self.error(
                    f"bottoms must agree outside axis {self.axis}: {names[0]!r} is {first}, "
                    f"{name!r} is {below.shape}; change one, or concat_param.axis"
                )
        joined = sum(below.shape[self.axis] for below in bottom)
        top[0].reshape(*first[: self.axis], joined, *first[self.axis + 1 :])
        if len(bottom) == 1:
            top[0].share_data(bottom[0])

    def _other_axes(self, blob: Blob) -> tuple[int, ...]:
        return (len(blob.shape), *blob.shape[: self.axis], *blob.shape[self.axis + 1 :])


class ConcatKernel(Kernel):
    """Concat as one joining copy, and one cutting copy for each bottom."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Find each bottom's part of the top."""
        axis = self.layer.axis
        ends = accumulate(below.shape[axis] for below in bottom)
        self.parts = [
            (*(slice(None),) * axis, slice(end - below.shape[axis], end))
            for below, end in zip(bottom, ends, strict=True)
        ]

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top, unless it is the bottom."""
        if len(bottom) > 1:
            arrays = [below.data for below in bottom]
            self.xp.concatenate(arrays, axis=self.layer.axis, out=top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write each bottom's part of the diff."""
        dy = top[0].diff
        for below, part, wanted in zip(bottom, self.parts, propagate_down, strict=True):
            if wanted:
                below.diff[...] = dy[part]


CASES = [
    Case(bottom=[(2, 3, 4, 5), (2, 1, 4, 5), (2, 2, 4, 5)], note="along the channels"),
    Case("concat_param { axis: 0 }", bottom=[(2, 3), (4, 3)]),
    Case("concat_param { axis: -1 }", bottom=[(2, 3, 4), (2, 3, 1)]),
    Case("concat_param { concat_dim: 2 }", bottom=[(2, 3, 4, 5), (2, 3, 1, 5)], note="older nets"),
    Case(bottom=[(2, 3, 4)], note="a single bottom"),
]
