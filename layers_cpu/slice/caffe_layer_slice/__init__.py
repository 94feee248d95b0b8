"""Slice: a bottom cut into tops along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, at_least
from caffe_core.testing import Case


class Slice(Layer):
    """Cuts a bottom along an axis: at each ``slice_point``, or else into equal parts.

    A single top uses the bottom's memory.
    """

    tops = at_least(1)
    facts = Facts(backward_reads=frozenset())

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the axis, from ``axis`` or from ``slice_dim`` of older nets."""
        param = self.param.slice_param
        if param.HasField("axis") and param.HasField("slice_dim"):
            raise self.error("axis and slice_dim are both given; remove slice_dim")
        given = param.slice_dim if param.HasField("slice_dim") else param.axis
        self.axis = bottom[0].axis(given)
        if len(top) == 1:
            self.facts = Facts(elementwise=True, shares_bottom=True, backward_reads=frozenset())

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Share out the axis."""
        shape = bottom[0].shape
        places = self._places(shape[self.axis], len(top))
        before = (slice(None),) * self.axis
        self.parts = [(*before, slice(start, stop)) for start, stop in pairwise(places)]
        for above, (start, stop) in zip(top, pairwise(places), strict=True):
            above.reshape(*shape[: self.axis], stop - start, *shape[self.axis + 1 :])
        if len(top) == 1:
            top[0].share_data(bottom[0])
            top[0].share_diff(bottom[0])

    def _places(self, length: int, tops: int) -> list[int]:
        """Where parts begin, and the end of the last."""
        points = list(self.param.slice_param.slice_point)
        where = f"axis {self.axis} of bottom {self.param.bottom[0]!r}"
        if not points:
            if length % tops:
                raise self.error(
                    f"{where} has length {length}, which {tops} tops cannot share equally; "
                    "give slice_point, or change the number of tops"
                )
            return [length // tops * index for index in range(tops + 1)]
        if len(points) != tops - 1:
            raise self.error(
                f"slice_point is given {len(points)} times for {tops} tops; "
                f"give it {tops - 1} times, or not at all"
            )
        places = [0, *points, length]
        if any(start >= stop for start, stop in pairwise(places)):
            raise self.error(
                f"slice_point is {points}; expected numbers that rise from 1 to less than "
                f"{length}, the length of {where}"
            )
        return places


class SliceKernel(Kernel):
    """Slice as a copy for each top."""

    formats = ANY_FORMAT

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the tops, unless there is only one, which is the bottom."""
        if len(top) > 1:
            x = bottom[0].data
            for above, part in zip(top, self.layer.parts, strict=True):
                above.data[...] = x[part]

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff, part by part."""
        if propagate_down[0] and len(top) > 1:
            dx = bottom[0].diff
            for above, part in zip(top, self.layer.parts, strict=True):
                dx[part] = above.diff


CASES = [
    Case(bottom=[(2, 6, 4, 5)], tops=3, note="channels in equal parts"),
    Case("slice_param { slice_point: 1 slice_point: 4 }", bottom=[(2, 5)], tops=3),
    Case("slice_param { axis: -1 slice_point: 3 }", bottom=[(2, 3, 4)], tops=2),
    Case("slice_param { slice_dim: 0 }", bottom=[(4, 3, 2, 5)], tops=2, note="older nets"),
    Case(bottom=[(2, 3, 4)], note="a single top"),
]
