"""The CUDA kernel of BatchNorm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from caffe_layer_batch_norm import BatchNorm

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.cuda.channels import CHANNELS_CU, Channels
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.layout import around
from caffe_core.cuda.source import Source


class BatchNormKernel(CudaKernel):
    """BatchNorm, all sums in a fixed order.

    Blocks share out a channel's values. Each finds the mean of its own, then the squares of their
    distances from it, which is as accurate as going over the whole batch twice; a second launch
    puts these together. Where channels are side by side, a block works on 32 of them.

    Attributes:
        mean: What forward has subtracted, for each channel.
        scale: What it has multiplied by: one over the standard deviation.
        kept: A copy of the bottom, where backward wants it and the top has taken its place.
    """

    formats = ANY_FORMAT
    source = Source("batch_norm", [CHANNELS_CU, Path(__file__).with_name("batch_norm.cu")])
    layer: BatchNorm

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Share out the values; allocate a few numbers for each channel."""
        x, channels = bottom[0], self.layer.channels
        outer, inner = around(x, 1) if len(x.shape) > 1 else (1, x.count)
        self.channels = Channels(self.xp, x.dtype, outer, channels, inner)
        self.mean, self.scale, self.average, self.slope = self.xp.empty((4, channels), x.dtype)
        lost = top[0] is bottom[0] and not self.layer.use_global_stats and self.need_backward
        self.kept = self.xp.empty(x.count, x.dtype) if lost else None

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top; add the batch's mean and variance to the statistics if they are used."""
        layer, channels, x = self.layer, self.channels, bottom[0].read()
        y = top[0].data if top[0] is bottom[0] else top[0].overwrite()
        statistics = self.mean, self.scale
        if layer.use_global_stats:
            stored = [blob.read() for blob in self.blobs]
            self.function("recall")(layer.channels, *stored, *statistics, layer.eps)
        else:
            self.function("measure").blocks(channels.blocks, x, channels.sums, channels.share)
            stored = [blob.data for blob in self.blobs]
            self.function("remember").warps(
                layer.channels, channels.sums, *statistics, *stored,
                layer.moving_average_fraction, layer.eps, channels.share,
            )  # fmt: skip
        self.function("forward")(x.size, x, y, self.kept, *statistics, channels.share)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff: (dy - mean(dy) - y mean(dy y)) / standard deviation."""
        if not propagate_down[0]:
            return
        channels, statistics = self.channels, (self.mean, self.scale)
        dy, dx = top[0].read_diff(), bottom[0].overwrite_diff()
        if self.layer.use_global_stats:
            self.function("backward_scaled")(dx.size, dy, dx, self.scale, channels.share)
            return
        x = bottom[0].read() if self.kept is None else self.kept
        self.function("add_up").blocks(
            channels.blocks, x, dy, *statistics, channels.sums, channels.share
        )
        averages = self.average, self.slope
        self.function("average_out").warps(
            self.layer.channels, channels.sums, *averages, channels.share
        )
        self.function("backward")(dx.size, x, dy, dx, *statistics, *averages, channels.share)
