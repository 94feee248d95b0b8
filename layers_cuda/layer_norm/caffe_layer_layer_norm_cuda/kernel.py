"""The kernel of LayerNorm, which serves other normalisations of single items too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from caffe_core.blob import ANY_FORMAT, CONTIGUOUS, Blob
from caffe_core.cuda.channels import CHANNELS_CU, Channels
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.layout import around
from caffe_core.cuda.source import Source
from caffe_layer_layer_norm_cuda.items import ITEMS_CU, Items


class LayerNormKernel(CudaKernel):
    """LayerNorm with a block for each item; sums in a fixed order.

    In place, it keeps a copy of the bottom, which backward reads.
    """

    formats = ANY_FORMAT
    source = Source(
        "layer_norm", [CHANNELS_CU, ITEMS_CU, Path(__file__).with_name("layer_norm.cu")]
    )

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Lay out items, scale and shift; allocate a few numbers for each item."""
        x = bottom[0]
        items = self.items_of(x)
        self.threads, self.items = items.threads, items.struct(self.xp)
        self.mean, self.factor = self.xp.empty((2, items.count(x)), x.dtype)
        outer, learned, inner, self.turn = self.learned_of(x)
        self.channels = Channels(self.xp, x.dtype, outer, learned, inner)
        lost = top[0] is bottom[0] and self.need_backward
        self.kept = self.xp.empty(x.count, x.dtype) if lost else None

    def items_of(self, x: Blob) -> Items:
        """Return what is normalised alone."""
        return Items.from_axis(x, self.layer.axis)

    def learned_of(self, x: Blob) -> tuple[int, int, int, int]:
        """Return how the axes that scale and shift span lie in memory, and their `turn`.

        Returns:
            ``(outer, numbers, inner, turn)``: values that share a number are numbers * inner or 1
            apart. If turn is 1, the numbers are in memory in the order of scale and shift; else
            they are so when ``(numbers / turn, turn)`` is transposed.
        """
        axis = self.layer.axis
        numbers = x.span(axis)
        if x.format is CONTIGUOUS or axis == 1 or len(x.shape) < 3:
            turn = 1 if x.format is CONTIGUOUS else x.shape[1]
            return x.span(0, axis), numbers, 1, turn
        outer, inner = around(x, axis, len(x.shape))
        return outer, numbers, inner, 1

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        x = bottom[0].read()
        y = top[0].data if top[0] is bottom[0] else top[0].overwrite()
        scale, shift = [blob.read() for blob in self.blobs] or (None, None)
        self.function("forward").blocks(
            len(self.mean), x, y, self.kept, scale, shift, self.mean, self.factor,
            self.layer.eps, self.items, self.channels.share, self.turn, threads=self.threads,
        )  # fmt: skip

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Add to the diffs of scale and shift, then write the bottom's, which may be the top's."""
        x = bottom[0].read() if self.kept is None else self.kept
        dy, statistics = top[0].read_diff(), (self.mean, self.factor)
        share, sums = self.channels.share, self.channels.sums
        diffs = [
            blob.diff if wanted else None
            for blob, wanted in zip(self.blobs, self.layer.param_propagate_down, strict=True)
        ]
        if any(diff is not None for diff in diffs):
            self.function("add_up").blocks(
                self.channels.blocks, x, dy, *statistics, sums, self.items, share
            )
            self.function("learn").warps(self.blobs[0].count, sums, *diffs, share, self.turn)
        if propagate_down[0]:
            dx = bottom[0].overwrite_diff()
            scale = self.blobs[0].read() if self.blobs else None
            self.function("backward").blocks(
                len(self.mean), x, dy, dx, scale, *statistics, self.items, share, self.turn,
                threads=self.threads,
            )  # fmt: skip
