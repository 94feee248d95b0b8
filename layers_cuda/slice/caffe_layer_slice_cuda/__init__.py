"""The CUDA kernel of Slice."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.parts import SOURCE, Parts


class SliceKernel(CudaKernel):
    """Slice as a copy for each top, both ways."""

    formats = ANY_FORMAT
    source = SOURCE

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Find each top's part of the bottom."""
        axis = self.layer.axis
        self.parts = Parts(self, bottom[0], axis, [above.shape[axis] for above in top])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the tops, unless there is only one, which is the bottom."""
        if len(top) > 1:
            self.parts.cut(bottom[0].read(), [above.overwrite() for above in top])

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff, part by part."""
        if propagate_down[0] and len(top) > 1:
            self.parts.join([above.read_diff() for above in top], bottom[0].overwrite_diff())
