"""The three matrix products behind convolution on a GPU: im2col, cuBLAS, col2im; its kernels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from caffe_core.blob import Blob, Shape
from caffe_core.convolution import ConvolutionGeometry
from caffe_core.cuda.function import LARGEST, Function
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.source import Source
from caffe_core.errors import DeviceError
from caffe_core.kernel import Workspace

SOURCE = Source.beside(__file__, "correlation.cu")

_COLUMN_BYTES = 256 << 20  # of columns at a time: enough for cuBLAS to be at its fastest
_MOST_AXES = 8


class Correlation:
    """Cross-correlation of a batch of images with filters: what `caffe_core.correlation` does.

    Arrays are contiguous: images ``(N, channels, *spatial)``, outputs ``(N, outputs, *positions)``,
    where N may be spread over several axes, and the weight ``(outputs, channels / group,
    *kernel)``. Many images make one product for all groups. What is forward for Convolution is the
    image's gradient for Deconvolution, and the other way round.

    Args:
        geometry: How the kernel moves.
        image: ``(N, channels, *spatial)``.
        outputs: Number of filters.
        group: Into how many groups channels and filters are split.
        dtype: Element type of all arrays.
        workspace: Scratch memory; what is needed of it is reserved.
    """

    def __init__(
        self,
        geometry: ConvolutionGeometry,
        image: Shape,
        outputs: int,
        group: int,
        dtype: np.dtype[Any],
        workspace: Workspace,
    ):
        self._device: Any = workspace.device
        self._dtype, self._workspace = dtype, workspace
        channels, spatial = image[1], image[2:]
        positions = math.prod(geometry.positions(spatial))
        taps = math.prod(geometry.kernel)
        self._image = (image[0], channels, math.prod(spatial))
        self._output = (image[0], outputs, positions)
        self._weight = (group, outputs // group, channels // group * taps)
        self._axes, self._geometry = layout(geometry, image, self._device.xp)
        inputs = channels * taps * positions
        if inputs > LARGEST:
            raise DeviceError(
                f"im2col makes {inputs} columns of an image {image[1:]}; the most are {LARGEST}. "
                "Use smaller images, a larger stride, or the engine cudnn"
            )
        self._images = max(1, min(image[0], _COLUMN_BYTES // (inputs * dtype.itemsize or 1)))
        self._column_count, self._row_count = inputs, outputs * positions
        self._scratch(self._images)

    def forward(self, image: Any, weight: Any, output: Any, bias: Any = None) -> None:
        """Write `output`: the filters applied to `image`, plus the bias ``(outputs,)``, if any."""
        weight = weight.reshape(self._weight)
        for images, outputs, columns, rows in self._portions(image, output):
            self._im2col(images, columns)
            self._device.blas.gemm(weight, columns, rows)
            _, filters, positions = outputs.shape
            self._function("to_images")(
                outputs.size, rows, outputs, bias, filters, len(images), positions
            )

    def backward_image(self, output: Any, weight: Any, image: Any, bias: Any = None) -> None:
        """Write `image`, the gradient that follows from that of `output`.

        For Deconvolution, whose forward this is, add the bias ``(channels,)``, if any.
        """
        weight = weight.reshape(self._weight)
        for images, outputs, columns, rows in self._portions(image, output):
            self._to_rows(outputs, rows)
            self._device.blas.gemm(weight.swapaxes(1, 2), rows, columns)
            col2im = self._function(f"col2im_{self._axes}")
            col2im(images.size, columns, images, bias, len(images), self._geometry)

    def backward_weight(self, image: Any, output: Any, weight: Any) -> None:
        """Add to `weight`, a gradient, what follows from that of `output` at `image`."""
        weight = weight.reshape(self._weight)
        for images, outputs, columns, rows in self._portions(image, output):
            self._im2col(images, columns)
            self._to_rows(outputs, rows)
            self._device.blas.gemm(rows, columns.swapaxes(1, 2), weight, add=True)

    def backward_bias(self, output: Any, bias: Any) -> None:
        """Add to `bias`, a gradient ``(outputs,)``, what follows from that of `output`."""
        self._add_sums(output, bias, *self._output)

    def backward_image_bias(self, image: Any, bias: Any) -> None:
        """Add to `bias`, a gradient ``(channels,)``, what follows from that of `image`."""
        self._add_sums(image, bias, *self._image)

    def _add_sums(self, array: Any, sums: Any, images: int, channels: int, places: int) -> None:
        self._function("add_sums").blocks(channels, array, sums, images, places)

    def _portions(self, image: Any, output: Any) -> Iterator[tuple[Any, Any, Any, Any]]:
        """The images that are worked on at a time, their outputs, and scratch for both."""
        image, output = image.reshape(self._image), output.reshape(self._output)
        for first in range(0, len(image), self._images):
            images = image[first : first + self._images]
            yield images, output[first : first + self._images], *self._scratch(len(images))

    def _scratch(self, images: int) -> tuple[Any, Any]:
        """Columns and rows for so many images, as a matrix for each group."""
        group, filters, inputs = self._weight
        seen = images * self._output[2]
        columns, rows = self._workspace.arrays(
            ((group, inputs, seen), self._dtype), ((group, filters, seen), self._dtype)
        )
        return columns, rows

    def _im2col(self, images: Any, columns: Any) -> None:
        positions = self._output[2]
        im2col = self._function(f"im2col_{self._axes}")
        threads = len(images) * self._image[1] * positions
        im2col(threads, images, columns, len(images), self._geometry)

    def _to_rows(self, outputs: Any, rows: Any) -> None:
        images, filters, positions = outputs.shape
        self._function("to_rows")(outputs.size, outputs, rows, filters, images, positions)

    def _function(self, name: str) -> Function:
        function: Function = self._device.function(SOURCE, name, self._dtype)
        return function


class Transposed:
    """The products of a Correlation, taken from output to image: what Deconvolution does.

    Each method does for a bottom and a top what that of `Correlation` does for image and output.
    """

    def __init__(self, products: Correlation):
        self._products = products

    def forward(self, bottom: Any, weight: Any, top: Any, bias: Any = None) -> None:
        """Write `top`."""
        self._products.backward_image(bottom, weight, top, bias)

    def backward_image(self, top: Any, weight: Any, bottom: Any) -> None:
        """Write `bottom`, the gradient that follows from that of `top`."""
        self._products.forward(top, weight, bottom)

    def backward_weight(self, bottom: Any, top: Any, weight: Any) -> None:
        """Add to `weight`, a gradient, what follows from that of `top` at `bottom`."""
        self._products.backward_weight(top, bottom, weight)

    def backward_bias(self, top: Any, bias: Any) -> None:
        """Add to `bias`, a gradient, what follows from that of `top`."""
        self._products.backward_image_bias(top, bias)


class PatchKernel(CudaKernel):
    """A kernel that works by `SOURCE`, on the layer's `geometry`."""

    source = SOURCE
    layer: Any

    @classmethod
    def refuses(cls, layer: Any, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Refuse images of more axes than there is code for."""
        axes = len(layer.geometry.kernel)
        if axes > _MOST_AXES:
            return f"it takes up to {_MOST_AXES} spatial axes, not {axes}"
        return None


class CorrelationKernel(PatchKernel):
    """Convolution or Deconvolution; `prepare` says which by its choice of `products`."""

    products: Correlation | Transposed

    def correlation(self, images: Blob, outputs: int) -> Correlation:
        """Return the products for blobs of images like `images`."""
        layer = self.layer
        image = (images.span(0, layer.axis), *images.shape[layer.axis :])
        return Correlation(layer.geometry, image, outputs, layer.group, layer.dtype, self.workspace)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write each top."""
        weight, *bias = [blob.read() for blob in self.blobs]
        for below, above in zip(bottom, top, strict=True):
            self.products.forward(below.read(), weight, above.overwrite(), *bias)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diffs of the bottoms, add to those of weight and bias."""
        wanted = self.layer.param_propagate_down
        for above, below, down in zip(top, bottom, propagate_down, strict=True):
            dy = above.read_diff()
            if wanted[0]:
                self.products.backward_weight(below.read(), dy, self.blobs[0].diff)
            if len(self.blobs) > 1 and wanted[1]:
                self.products.backward_bias(dy, self.blobs[1].diff)
            if down:
                weight = self.blobs[0].read()
                self.products.backward_image(dy, weight, below.overwrite_diff())


def layout(geometry: ConvolutionGeometry, image: Shape, xp: Any) -> tuple[int, Any]:
    """Return for how many axes there is a kernel, and the struct Geometry that it takes.

    Where that are more than the images have, the axes in front have length 1.

    Args:
        geometry: How the kernel moves.
        image: ``(N, channels, *spatial)``.
        xp: The device's array module.
    """
    axes = next(count for count in (2, 3, _MOST_AXES) if count >= len(geometry.kernel))
    missing = (1,) * (axes - len(geometry.kernel))
    positions = geometry.positions(image[2:])
    sides = [
        missing + image[2:],
        missing + geometry.kernel,
        missing + geometry.stride,
        (0,) * len(missing) + geometry.pad,
        missing + geometry.dilation,
        missing + positions,
    ]
    totals = [image[1], math.prod(geometry.kernel), math.prod(image[2:]), math.prod(positions)]
    rest = (1,) * (_MOST_AXES - axes)
    numbers = totals + [number for side in sides for number in side + rest]
    return axes, xp.array(numbers, np.int32)
