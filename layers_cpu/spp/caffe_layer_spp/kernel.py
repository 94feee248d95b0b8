"""SPP on NumPy: each level by the kernel of Pooling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from caffe_layer_pooling import PoolingKernel

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel


class SPPKernel(Kernel):
    """SPP as poolings of one bottom, whose results are put together."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the result of each level, and a diff to add to the bottom's."""
        self.again = Blob(bottom[0].shape, bottom[0].dtype)
        self.again.format = bottom[0].format
        self.again.share_data(bottom[0])
        self.levels = [self._level(layer, bottom) for layer in self.layer.levels]

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        for kernel, pooled, part in self._parts(top[0].data):
            kernel.forward(bottom, [pooled])
            part[...] = pooled.data

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the sum of what the levels give."""
        if not propagate_down[0]:
            return
        target = bottom[0]
        for kernel, pooled, part in self._parts(top[0].diff):
            pooled.diff[...] = part
            kernel.backward([pooled], [True], [target])
            if target is self.again:
                bottom[0].diff[...] += target.diff
            target = self.again

    def _level(self, layer: Any, bottom: Sequence[Blob]) -> tuple[PoolingKernel, Blob]:
        """The kernel of a level, and its top."""
        pooled = Blob((), bottom[0].dtype)
        layer.reshape(bottom, [pooled])
        pooled.format = bottom[0].format
        kernel = PoolingKernel(layer, self.device, self.workspace)
        kernel.need_backward = self.need_backward
        kernel.prepare(bottom, [pooled])
        return kernel, pooled

    def _parts(self, array: Any) -> Iterator[tuple[PoolingKernel, Blob, Any]]:
        """Each level with a view of its part of the top's array, in the shape of the level."""
        start = 0
        for kernel, pooled in self.levels:
            stop = start + pooled.span(1)
            part = array[:, start:stop].reshape(pooled.shape) if array.ndim == 2 else array
            yield kernel, pooled, part
            start = stop
