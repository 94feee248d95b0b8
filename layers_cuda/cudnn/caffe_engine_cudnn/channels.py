"""What is left to do for each channel where cuDNN has no code for it."""

from __future__ import annotations

from typing import Any

from caffe_core.cuda.source import Source
from caffe_core.layer import Layer
from caffe_engine_cudnn.kernel import CudnnKernel

_THREADS = 1 << 16  # that sum up: enough to keep any GPU busy


class ChannelKernel(CudnnKernel):
    """A kernel that works on the channels of its top.

    Attributes:
        relu: The slope for negative numbers of the ReLU with which it ends, if it does.
    """

    source = Source.beside(__file__, "channels.cu")
    relu: float | None = None

    def absorb(self, layer: Layer) -> bool:
        """Apply a ReLU."""
        if self.relu is not None or layer.type != "ReLU" or layer.negative_slope < 0:
            return False
        self.relu = layer.negative_slope
        return True

    def release(self) -> None:
        """Apply no ReLU any more."""
        self.relu = None

    def end(self, y: Any, bias: Any, inner: int) -> None:
        """Add the bias, if any, and apply the ReLU, if any, in place.

        Args:
            y: ``(outer, channels, inner)`` in memory.
            bias: A number for each channel, or None.
            inner: How far apart channels lie.
        """
        channels = self.layer.outputs
        rectify, slope = self.relu is not None, self.relu or 0.0
        self.function("end")(y.size, y, bias, channels, inner, rectify, slope)

    def add_sums(self, dy: Any, sums: Any, inner: int) -> None:
        """Add to each channel's number in `sums` all that `dy` holds of it."""
        channels = len(sums)
        outer = dy.size // (channels * inner)
        if inner > 1:
            self.function("add_sums").blocks(channels, dy, sums, outer, inner)
            return
        strips = max(1, min(outer, _THREADS // channels))
        partial = self.workspace.array((strips, channels), dy.dtype)
        self.function("sum_strips")(partial.size, dy, partial, channels, outer, strips)
        self.function("add_strips")(channels, partial, sums, strips)
