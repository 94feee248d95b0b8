"""Silence: takes blobs that nobody needs, so that they are no outputs of the net."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, at_least, exactly
from caffe_core.testing import Case


class Silence(Layer):
    """Reads any number of bottoms and makes nothing of them; their gradient is 0."""

    bottoms = at_least(1)
    tops = exactly(0)
    facts = Facts(backward_reads=frozenset())

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Do nothing: there is no top."""


class SilenceKernel(Kernel):
    """Silence on arrays."""

    formats = ANY_FORMAT

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Do nothing."""

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write zeros to the diffs of the bottoms that want one."""
        for below, wanted in zip(bottom, propagate_down, strict=True):
            if wanted:
                below.diff.fill(0)


CASES = [
    Case(tops=0),
    Case(tops=0, bottom=[(2, 3), (4,)], phase="TEST"),
]
