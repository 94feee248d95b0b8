"""The CUDA kernel of LRN."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_layer_lrn import LRN

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.layout import around
from caffe_core.cuda.source import Source


class LRNKernel(CudaKernel):
    """LRN with a thread for each element. Backward computes the sums again, as on the CPU."""

    formats = ANY_FORMAT
    source = Source.beside(__file__, "lrn.cu")
    layer: LRN

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Tell which elements are neighbours: of a line of channels, or of an image."""
        x, axes, reach = bottom[0], self.layer.axes, self.layer.reach
        _, inner = around(x, axes[0], axes[-1] + 1)
        sides = [x.shape[axis] for axis in axes] + [1] * (2 - len(axes))
        self.region = self.ints(*sides, reach, reach, inner)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        layer, x, y = self.layer, bottom[0].read(), top[0].overwrite()
        numbers = layer.scale, layer.shift, layer.beta
        self.function("forward")(x.size, x, y, *numbers, self.region)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff."""
        if not propagate_down[0]:
            return
        layer, x, dy = self.layer, bottom[0].read(), top[0].read_diff()
        dx, ratio = bottom[0].overwrite_diff(), self.workspace.array((x.size,), x.dtype)
        numbers = layer.scale, layer.shift, layer.beta
        self.function("backward_alone")(x.size, x, dy, dx, ratio, *numbers, self.region)
        factor = 2 * layer.scale * layer.beta
        self.function("backward_around")(x.size, x, ratio, dx, factor, self.region)
