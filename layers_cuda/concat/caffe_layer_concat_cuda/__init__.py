"""The CUDA kernel of Concat."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.parts import SOURCE, Parts


class ConcatKernel(CudaKernel):
    """Concat as a copy of each bottom, both ways."""

    formats = ANY_FORMAT
    source = SOURCE

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Find each bottom's part of the top."""
        axis = self.layer.axis
        self.parts = Parts(self, top[0], axis, [below.shape[axis] for below in bottom])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top, unless it is the bottom."""
        if len(bottom) > 1:
            self.parts.join([below.read() for below in bottom], top[0].overwrite())

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write each bottom's part of the diff."""
        diffs = [
            below.overwrite_diff() if wanted else None
            for below, wanted in zip(bottom, propagate_down, strict=True)
        ]
        self.parts.cut(top[0].read_diff(), diffs)
