"""Flatten: some axes as one."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.testing import Case


class Flatten(Layer):
    """Makes one axis of the axes from ``axis`` to ``end_axis``, both included.

    The top uses the memory of the bottom. As in Caffe, an ``end_axis`` just before ``axis`` puts in
    an axis of length 1.
    """

    facts = Facts(shares_bottom=True, backward_reads=frozenset())

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top its shape and the bottom's memory."""
        param, shape = self.param.flatten_param, bottom[0].shape
        start, end = bottom[0].axis(param.axis), bottom[0].axis(param.end_axis) + 1
        if start > end:
            raise self.error(
                f"axis {start} comes after end_axis {end - 1} of bottom {self.param.bottom[0]!r} "
                f"{shape}; raise end_axis"
            )
        top[0].reshape(*shape[:start], bottom[0].span(start, end), *shape[end:])
        top[0].share_data(bottom[0])
        top[0].share_diff(bottom[0])


class FlattenKernel(Kernel):
    """Flatten by nothing at all."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Do nothing: the top shares the data of the bottom."""

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Do nothing: the bottom shares the diff of the top."""


CASES = [
    Case(note="each item as a vector"),
    Case("flatten_param { axis: 0 end_axis: -2 }", bottom=[(2, 3, 4)]),
    Case("flatten_param { axis: -2 }", bottom=[(2, 3, 4, 5)]),
    Case("flatten_param { axis: 2 end_axis: 1 }", bottom=[(2, 3, 4)], note="one more axis"),
    Case(bottom=[(3, 4)], note="the same shape"),
]
