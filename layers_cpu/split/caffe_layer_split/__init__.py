"""Split: several tops, each the same as the bottom."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, at_least
from caffe_core.testing import Case


class Split(Layer):
    """Copies a bottom to several tops; its gradient is the sum of theirs.

    Nets insert it wherever several layers read one blob. The tops use the memory of the bottom.
    """

    tops = at_least(1)
    facts = Facts(elementwise=True, shares_bottom=True, backward_reads=frozenset())

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops the shape of the bottom, and its data."""
        for above in top:
            above.reshape(bottom[0].shape)
            above.share_data(bottom[0])


class SplitKernel(Kernel):
    """Split on arrays."""

    formats = ANY_FORMAT

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Do nothing: the tops share the data of the bottom."""

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the sum of the tops' diffs."""
        if not propagate_down[0]:
            return
        dx, diffs = bottom[0].diff, [above.diff for above in top]
        if len(diffs) == 1:
            dx[...] = diffs[0]
            return
        self.xp.add(diffs[0], diffs[1], out=dx)
        for diff in diffs[2:]:
            dx += diff


CASES = [
    Case(tops=1),
    Case(tops=2),
    Case(tops=4, bottom=[(3, 5)]),
]
