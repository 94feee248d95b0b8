"""The CUDA kernel of SPP."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_layer_pooling import Pooling
from caffe_layer_pooling_cuda import PoolingKernel
from caffe_layer_spp import SPP

from caffe_core.blob import Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.parts import SOURCE, Parts


class SPPKernel(CudaKernel):
    """SPP as poolings of one bottom, whose results are put together."""

    source = SOURCE
    layer: SPP

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the result of each level, and a diff to add to the bottom's."""
        again = Blob(bottom[0].shape, bottom[0].dtype)
        again.share_data(bottom[0])
        self.again = again.on(self.device)
        self.levels = [self._level(layer, bottom) for layer in self.layer.levels]
        self.parts = Parts(self, top[0], 1, [pooled.span(1) for _, pooled in self.levels])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        for kernel, pooled in self.levels:
            kernel.forward(bottom, [pooled])
        self.parts.join([pooled.read() for _, pooled in self.levels], top[0].overwrite())

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the sum of what the levels give."""
        if not propagate_down[0]:
            return
        diffs = [pooled.overwrite_diff() for _, pooled in self.levels]
        self.parts.cut(top[0].read_diff(), diffs)
        (kernel, pooled), *finer = self.levels
        kernel.backward([pooled], [True], bottom)
        for kernel, pooled in finer:
            kernel.backward([pooled], [True], [self.again])
            dx = bottom[0].diff
            self.xp.add(dx, self.again.read_diff(), out=dx)

    def _level(self, layer: Pooling, bottom: Sequence[Blob]) -> tuple[PoolingKernel, Blob]:
        """The kernel of a level, and its top."""
        pooled = Blob((), bottom[0].dtype)
        layer.reshape(bottom, [pooled])
        kernel = PoolingKernel(layer, self.device, self.workspace)
        kernel.need_backward = self.need_backward
        kernel.prepare(bottom, [pooled])
        return kernel, pooled.on(self.device)
