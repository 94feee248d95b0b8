"""Im2col: the patches of an image as the channels of a top."""

from __future__ import annotations

import math
from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.convolution import ConvolutionGeometry
from caffe_core.im2col import Patches
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.testing import Case


class Im2col(Layer):
    """Lays out what a convolution kernel sees at each position: the columns of a matrix.

    Bottom ``(N, C, *image)`` becomes top ``(N, C * kernel, *positions)``, for any number of spatial
    axes: those behind the channel axis, ``axis`` of ``convolution_param``, which also has kernel,
    stride, pad and dilation. Its other fields, ``force_nd_im2col`` among them, change nothing.
    """

    facts = Facts(backward_reads=frozenset())

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the geometry."""
        self.axis = bottom[0].axis(self.param.convolution_param.axis)
        axes = len(bottom[0].shape) - self.axis - 1
        if axes == 0:
            raise self.error(
                f"bottom {self.param.bottom[0]!r} {bottom[0].shape} has no spatial axes behind its "
                f"channels, axis {self.axis}; reshape it, or set convolution_param.axis"
            )
        self.geometry = ConvolutionGeometry.read(self, axes)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make a channel of each element of a patch, and a place of each position."""
        *batch, channels = bottom[0].shape[: self.axis + 1]
        image = bottom[0].shape[self.axis + 1 :]
        positions = self.geometry.positions(image)
        if any(count < 1 for count in positions):
            raise self.error(
                f"the kernel covers {self.geometry.extent}, bottom {self.param.bottom[0]!r} "
                f"{bottom[0].shape} with pad {self.geometry.pad} is smaller; "
                "use a smaller kernel, more pad or larger images"
            )
        top[0].reshape(*batch, channels * math.prod(self.geometry.kernel), *positions)


class Im2colKernel(Kernel):
    """Im2col by padding one image after another."""

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate one padded image."""
        axis, geometry = self.layer.axis, self.layer.geometry
        self.images = (bottom[0].span(0, axis), *bottom[0].shape[axis:])
        buffer = self.xp.empty(Patches.size(geometry, self.images), bottom[0].dtype)
        self.patches = Patches(geometry, self.images, 1, buffer, self.xp)
        self.windows = self.patches.windows[..., 0]
        self.columns = (self.images[0], *self.windows.shape)
        self.blocks = [(slice(None), *block) for block in self.patches.blocks]

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Copy every patch to its column."""
        images, columns = bottom[0].data.reshape(self.images), top[0].data.reshape(self.columns)
        self.patches.clear_border()
        for number in range(len(images)):
            self.patches.load(images[number : number + 1])
            columns[number] = self.windows

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Add up the diffs of all patches that see an element."""
        if not propagate_down[0]:
            return
        images, columns = bottom[0].diff.reshape(self.images), top[0].diff.reshape(self.columns)
        for number in range(len(images)):
            self.patches.padded.fill(0)
            for block in self.blocks:
                self.windows[block] += columns[number][block]
            self.patches.store(images[number : number + 1])


CASES = [
    Case("convolution_param { kernel_size: 3 }", bottom=[(2, 3, 6, 5)]),
    Case("convolution_param { kernel_size: 3 stride: 2 pad: 1 }", bottom=[(2, 3, 6, 5)]),
    Case(
        "convolution_param { kernel_h: 2 kernel_w: 3 pad_h: 1 pad_w: 0 stride_h: 3 stride_w: 1 }",
        bottom=[(2, 2, 5, 6)],
        note="not square",
    ),
    Case("convolution_param { kernel_size: 2 dilation: 2 }", bottom=[(2, 3, 5, 6)]),
    Case("convolution_param { kernel_size: 3 pad: 1 }", bottom=[(2, 3, 7)], note="one axis"),
    Case("convolution_param { axis: 2 kernel_size: 2 }", bottom=[(2, 3, 2, 4, 5)]),
]
