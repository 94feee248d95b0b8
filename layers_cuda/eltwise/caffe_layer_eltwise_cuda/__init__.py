"""The CUDA kernel of Eltwise."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_layer_eltwise import Eltwise

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_layer_eltwise_cuda.operations import OPERATIONS, SOURCE


class EltwiseKernel(CudaKernel):
    """Eltwise in one launch for two bottoms, and one more for each further bottom."""

    formats = ANY_FORMAT
    source = SOURCE
    layer: Eltwise

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Let the operation allocate what it needs."""
        self.operation = OPERATIONS[self.layer.operation](self, bottom[0].count)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        self.operation.forward([below.read() for below in bottom], top[0].overwrite())

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of each bottom that wants one."""
        dxs = [
            below.overwrite_diff() if wanted else None
            for below, wanted in zip(bottom, propagate_down, strict=True)
        ]
        self.operation.backward(top[0], bottom, dxs)
