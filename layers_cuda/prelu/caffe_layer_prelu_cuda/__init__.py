"""The CUDA kernel of PReLU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from caffe_layer_prelu import PReLU

from caffe_core.blob import Blob
from caffe_core.cuda.channels import CHANNELS_CU, Channels
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.layout import around
from caffe_core.cuda.source import Source
from caffe_core.neuron import NeuronKernel


class PReLUKernel(NeuronKernel, CudaKernel):
    """PReLU; the slopes' gradients are summed in a fixed order."""

    source = Source("prelu", [CHANNELS_CU, Path(__file__).with_name("prelu.cu")])
    layer: PReLU

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """See which values have the same slope."""
        super().prepare(bottom, top)
        x, slopes = bottom[0], self.blobs[0].count
        outer, inner = (1, x.count) if self.layer.shared else around(x, 1)
        self.channels = Channels(self.xp, x.dtype, outer, slopes, inner)

    def activate(self, x: Any, y: Any) -> None:
        """Write the positive part plus the sloping negative part."""
        self.function("forward")(x.size, x, y, self.blobs[0].read(), self.channels.share)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Add to the slopes' diff, then write the bottom's, which may be the top's."""
        if self.layer.param_propagate_down[0]:
            slopes, channels = self.blobs[0], self.channels
            values = self.input(bottom), top[0].read_diff()
            self.function("sum_up").blocks(channels.blocks, *values, channels.sums, channels.share)
            self.function("add").warps(slopes.count, channels.sums, slopes.diff, channels.share)
        super().backward(top, propagate_down, bottom)

    def differentiate(self, x: Any, y: Any, dy: Any, dx: Any) -> None:
        """Write the top's diff times 1 where x > 0, times the slope elsewhere."""
        self.function("backward")(x.size, x, dy, dx, self.blobs[0].read(), self.channels.share)
