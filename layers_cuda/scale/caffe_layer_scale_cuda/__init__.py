"""The CUDA kernel of Scale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import caffe_layer_scale
from caffe_layer_scale import Scale

from caffe_core.blob import Blob
from caffe_core.cuda.channels import CHANNELS_CU, Channels
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.layout import beside
from caffe_core.cuda.source import Source


class ScaleKernel(CudaKernel, caffe_layer_scale.ScaleKernel):
    """Scale; the gradients of factor and bias are summed together, in a fixed order.

    Where channels-last memory tears the factor's axes apart, or reorders them, CuPy does the work.
    """

    source = Source("scale", [CHANNELS_CU, Path(__file__).with_name("scale.cu")])
    layer: Scale

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """See which values have the same factor."""
        super().prepare(bottom, top)
        x, factor, start = bottom[0], self._factor(bottom), self.layer.alignment.start
        place = beside(x, factor, start)
        apart = self.bias is not None and beside(x, self.bias, start) != place
        self.channels = None
        if place is not None and not apart:
            self.channels = Channels(self.xp, x.dtype, place[0], factor.count, place[1])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        if self.channels is None:
            super().forward(bottom, top)
            return
        x, factor = bottom[0].read(), self._factor(bottom).read()
        y = top[0].data if top[0] is bottom[0] else top[0].overwrite()
        bias = None if self.bias is None else self.bias.read()
        self.function("forward")(x.size, x, y, self.kept, factor, bias, self.channels.share)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Add to the diffs of what is learned, then write the bottoms', which may be the top's."""
        if self.channels is None:
            super().backward(top, propagate_down, bottom)
            return
        dy, wanted = top[0].read_diff(), self.layer.param_propagate_down
        factor = bias = None
        if len(bottom) > 1 and propagate_down[1]:
            factor = bottom[1].overwrite_diff()
        elif len(bottom) == 1 and wanted[0]:
            factor = self.blobs[0].diff
        if self.bias is not None and wanted[-1]:
            bias = self.bias.diff
        self._sum(dy, bottom, factor, bias)
        if propagate_down[0]:
            dx, factors = bottom[0].overwrite_diff(), self._factor(bottom).read()
            self.function("backward")(dx.size, dy, dx, factors, self.channels.share)

    def _sum(self, dy: Any, bottom: Sequence[Blob], factor: Any, bias: Any) -> None:
        """Write or add to the diffs of factor and bias, unless they are None."""
        if factor is None and bias is None:
            return
        x, learned = None, len(bottom) == 1
        if factor is not None:
            x = bottom[0].read() if self.kept is None else self.kept
        blocks, sums, share = self.channels.blocks, self.channels.sums, self.channels.share
        self.function("sum_up").blocks(blocks, x, dy, sums, share)
        count = self._factor(bottom).count
        self.function("finish").warps(count, sums, factor, learned, bias, share)
