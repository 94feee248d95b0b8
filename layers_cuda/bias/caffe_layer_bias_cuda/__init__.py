"""The CUDA kernel of Bias."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import caffe_layer_bias
from caffe_layer_bias import Bias

from caffe_core.blob import Blob
from caffe_core.cuda.channels import CHANNEL_SUMS_CU, CHANNELS_CU, Channels
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.layout import beside
from caffe_core.cuda.source import Source


class BiasKernel(CudaKernel, caffe_layer_bias.BiasKernel):
    """Bias; its gradient is summed in a fixed order.

    Where channels-last memory tears the bias's axes apart, or reorders them, CuPy does the work.
    """

    source = Source("bias", [CHANNELS_CU, CHANNEL_SUMS_CU, Path(__file__).with_name("bias.cu")])
    layer: Bias

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """See which values have the same bias."""
        super().prepare(bottom, top)
        x, bias = bottom[0], self.blobs[0] if self.blobs else bottom[1]
        place = beside(x, bias, self.layer.alignment.start)
        self.channels = None
        if place is not None:
            self.channels = Channels(self.xp, x.dtype, place[0], bias.count, place[1])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        if self.channels is None:
            super().forward(bottom, top)
            return
        x, bias = bottom[0].read(), self.blobs[0] if self.blobs else bottom[1]
        y = top[0].data if top[0] is bottom[0] else top[0].overwrite()
        self.function("forward")(x.size, x, y, bias.read(), self.channels.share)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottoms' diffs, add to that of a learned bias."""
        if self.channels is None:
            super().backward(top, propagate_down, bottom)
            return
        dy = top[0].read_diff()
        if self.blobs and self.layer.param_propagate_down[0]:
            self.channels.sum(self.function, dy, self.blobs[0].diff, add=True)
        if not self.blobs and propagate_down[1]:
            self.channels.sum(self.function, dy, bottom[1].overwrite_diff(), add=False)
        if propagate_down[0] and bottom[0] is not top[0]:
            bottom[0].overwrite_diff()[...] = dy
