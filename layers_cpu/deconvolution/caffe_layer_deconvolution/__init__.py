"""Deconvolution: spreads each value of its bottoms over a patch, as a filter says."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_layer_convolution import Convolution

from caffe_core.blob import Blob, Shape
from caffe_core.correlation import correlation
from caffe_core.kernel import Kernel
from caffe_core.testing import Case


class Deconvolution(Convolution):
    """Transposed convolution: forward is the bottom's gradient of a Convolution, and vice versa.

    It makes images larger by ``stride``; ``pad`` is cut off. All parameters are those of
    `Convolution`. With the filler ``bilinear``, ``kernel_size`` 2 f - f % 2, ``stride`` f, ``pad``
    (f - 1) / 2 rounded up and ``group`` = ``num_output`` = C it starts as bilinear upsampling by f.

    Learned blobs: the weight ``(channels, num_output / group, *kernel)`` and the bias
    ``(num_output,)`` unless ``bias_term`` is false.

    Source: Long et al., "Fully convolutional networks for semantic segmentation", 2015.
    """

    movable_stride = None  # a longer one makes the top larger
    samples_bottom = False

    def weight_shape(self) -> Shape:
        """Return the shape of the weight."""
        return (self.channels, self.outputs // self.group, *self.geometry.kernel)

    def top_image(self, image: Shape) -> Shape:
        """Return the spatial axes of the tops, given those of the bottoms.

        Raises:
            LayerError: Nothing would be left.
        """
        larger = self.geometry.image(image)
        if any(length < 1 for length in larger):
            raise self.error(
                f"bottom {self.param.bottom[0]!r} {image} spreads to "
                f"{tuple(n + 2 * p for n, p in zip(larger, self.geometry.pad, strict=True))}, "
                f"of which pad {self.geometry.pad} is cut off at each end; "
                "use less pad, a larger kernel or larger images"
            )
        return larger

    def multiply_adds(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> int:
        """Each pixel of each item is multiplied by the whole weight."""
        return super().multiply_adds(top, bottom)


class DeconvolutionKernel(Kernel):
    """Deconvolution as the matrix products of the convolution that leads from top to bottom."""

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Plan the products for the present shapes."""
        layer = self.layer
        batch = top[0].span(0, layer.axis)
        image = (batch, *top[0].shape[layer.axis :])
        self.rows = (batch, layer.outputs, top[0].span(layer.axis + 1))
        self.products = correlation(
            layer.geometry, image, layer.channels, layer.group, layer.dtype, self.workspace
        )

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write each top."""
        for below, above in zip(bottom, top, strict=True):
            self.products.backward_image(below.data, self.blobs[0].data, above.data)
            if len(self.blobs) > 1:
                rows = above.data.reshape(self.rows)
                rows += self.blobs[1].data[:, None]

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diffs of the bottoms, add to those of weight and bias."""
        wanted = self.layer.param_propagate_down
        for above, below, down in zip(top, bottom, propagate_down, strict=True):
            if wanted[0]:
                self.products.backward_weight(above.diff, below.data, self.blobs[0].diff)
            if len(self.blobs) > 1 and wanted[1]:
                self.blobs[1].diff[...] += above.diff.reshape(self.rows).sum(axis=(0, 2))
            if down:
                self.products.forward(above.diff, self.blobs[0].data, below.diff)


CASES = [
    Case("convolution_param { num_output: 4 kernel_size: 3 }", bottom=[(2, 3, 4, 5)]),
    Case(
        "convolution_param { num_output: 3 kernel_size: 4 stride: 2 pad: 1 group: 3 "
        'bias_term: false weight_filler { type: "bilinear" } }',
        bottom=[(2, 3, 4, 4)],
        note="upsampling by 2",
    ),
    Case(
        "convolution_param { num_output: 4 kernel_size: 3 stride: 2 pad: 1 group: 2 }",
        bottom=[(9, 6, 3, 4)],
        note="two groups",
    ),
    Case(
        "convolution_param { num_output: 2 kernel_h: 3 kernel_w: 2 pad_h: 2 pad_w: 0 "
        "stride_h: 1 stride_w: 3 dilation: 2 dilation: 1 }",
        bottom=[(2, 3, 5, 4), (2, 3, 5, 4)],
        note="not square, two bottoms",
    ),
    Case("convolution_param { num_output: 5 kernel_size: 1 }", bottom=[(2, 3, 6, 6)]),
    Case(
        "convolution_param { num_output: 2 kernel_size: 1 stride: 2 }",
        bottom=[(2, 3, 3, 4)],
        note="zeros between the values",
    ),
    Case("convolution_param { num_output: 4 kernel_size: 3 axis: 2 }", bottom=[(2, 2, 3, 5)]),
    Case(
        "convolution_param { num_output: 4 kernel_size: 2 }", bottom=[(2, 3, 3, 2, 3)], note="3-D"
    ),
]
