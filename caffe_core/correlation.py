"""The three matrix products behind convolution: forward, and the gradients of image and weight."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from caffe_core.blob import Shape
from caffe_core.convolution import ConvolutionGeometry
from caffe_core.im2col import Columns, Patches
from caffe_core.kernel import Workspace

_COLUMN_BYTES = 8 << 20  # of columns at a time; more would leave the cache before they are used
_FEWEST_IMAGES, _MOST_IMAGES = 4, 16  # at a time; fewer do not repay their transposition
_FEW_POSITIONS = 32  # make matrices too narrow to be multiplied image by image


class Correlation:
    """Cross-correlation of a batch of images with filters, by im2col and matrix products.

    Each product goes through the batch some images at a time, or some rows of one image, so that
    the columns stay within a few megabytes. All arrays are contiguous: images ``(N, channels,
    *spatial)``, outputs ``(N, outputs, *positions)``, where N may be spread over several axes, and
    the weight ``(outputs, channels / group, *kernel)``. What is forward for Convolution is the
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
        dtype: Any,
        workspace: Workspace,
    ):
        self._geometry, self._workspace = geometry, workspace
        self._dtype, self._xp = dtype, workspace.device.xp
        count = math.prod(geometry.positions(image[2:]))
        inputs = image[1] // group * math.prod(geometry.kernel)
        self._image, self._output = image, (image[0], group, outputs // group, count)
        self._weight = (group, outputs // group, inputs)
        self._scratch: Any = None
        self._plan()

    def forward(self, image: Any, weight: Any, output: Any, bias: Any = None) -> None:
        """Write `output`: the filters applied to `image`, plus the bias ``(outputs,)``, if any."""
        self._cut()
        weight = weight.reshape(self._weight)
        self._patches.clear_border()
        for images, outputs in self._portions(image, output):
            self._patches.load(images)
            for columns, matrix in self._bands:
                columns.im2col()
                rows = self._rows if self._images > 1 else outputs[0][..., columns.span]
                self._xp.matmul(weight, matrix, out=rows)
                if bias is not None:
                    rows += bias.reshape(*self._weight[:2], 1)
            if self._images > 1:
                outputs[...] = self._rows_by_image[: len(outputs)]

    def backward_image(self, output: Any, weight: Any, image: Any) -> None:
        """Write `image`, the gradient that follows from that of `output`."""
        self._cut()
        weight = weight.reshape(self._weight)
        for images, outputs in self._portions(image, output):
            self._patches.padded.fill(0)
            for columns, matrix in self._bands:
                self._spread(weight, self._gather(outputs, columns), matrix)
                columns.col2im()
            self._patches.store(images)

    def backward_weight(self, image: Any, output: Any, weight: Any) -> None:
        """Add to `weight`, a gradient, what follows from that of `output` at `image`."""
        self._cut()
        weight = weight.reshape(self._weight)
        self._patches.clear_border()
        for images, outputs in self._portions(image, output):
            self._patches.load(images)
            for columns, matrix in self._bands:
                columns.im2col()
                rows = self._gather(outputs, columns)
                self._xp.matmul(rows, matrix.swapaxes(1, 2), out=self._product)
                weight += self._product

    def _spread(self, weight: Any, rows: Any, matrix: Any) -> None:
        """Write to `matrix` the transposed weight times `rows`.

        With one filter to a group this is an outer product, for which NumPy does not use BLAS.
        """
        multiply = self._xp.multiply if self._weight[1] == 1 else self._xp.matmul
        multiply(weight.swapaxes(1, 2), rows, out=matrix)

    def _portions(self, image: Any, output: Any) -> Iterator[tuple[Any, Any]]:
        """The images that are worked on at a time, with their outputs."""
        image, output = image.reshape(self._image), output.reshape(self._output)
        for first in range(0, len(image), self._images):
            yield image[first : first + self._images], output[first : first + self._images]

    def _gather(self, outputs: Any, columns: Columns) -> Any:
        """The outputs at a band of positions, as one matrix for each group."""
        if self._images == 1:
            return outputs[0][..., columns.span]
        self._rows_by_image[: len(outputs)] = outputs
        self._rows_by_image[len(outputs) :] = 0
        return self._rows

    def _plan(self) -> None:
        """Decide how much is worked on at a time, and reserve memory for it."""
        num, group, filters, count = self._output
        padded = Patches.size(self._geometry, self._image)
        columns = group * self._weight[2] * count
        budget = _COLUMN_BYTES // self._dtype.itemsize
        height = (*self._geometry.positions(self._image[2:]), 1)[0]
        self._images, rows = 1, _even(height, budget * height // columns)
        together = min(budget // columns, _MOST_IMAGES)
        worthwhile = columns >= padded + group * filters * count or count < _FEW_POSITIONS
        if together >= _FEWEST_IMAGES and worthwhile:
            self._images = _even(num, together)
        self._spans = [slice(first, min(first + rows, height)) for first in range(0, height, rows)]
        sizes = (
            padded * self._images,
            columns // height * rows * self._images,
            group * filters * count * self._images if self._images > 1 else 0,
            math.prod(self._weight),
        )
        self._wanted = [((size,), self._dtype) for size in sizes]
        self._cut()

    def _cut(self) -> None:
        """Lay out the scratch arrays in the workspace, again whenever that has moved."""
        scratch = self._workspace.arrays(*self._wanted)
        if scratch is self._scratch:
            return
        self._scratch = scratch
        patches, columns, rows, product = scratch
        self._patches = Patches(self._geometry, self._image, self._images, patches, self._xp)
        bands = [Columns(self._patches, span, columns) for span in self._spans]
        group, _, inputs = self._weight
        self._bands = [(band, band.array.reshape(group, inputs, -1)) for band in bands]
        self._product = product.reshape(self._weight)
        if self._images > 1:
            _, _, filters, count = self._output
            self._rows = rows.reshape(group, filters, count * self._images)
            shaped = rows.reshape(group, filters, count, self._images)
            self._rows_by_image = shaped.transpose(3, 0, 1, 2)


class PointwiseCorrelation(Correlation):
    """Correlation with a kernel of one element, stride 1 and no pad: images are their columns."""

    def forward(self, image: Any, weight: Any, output: Any, bias: Any = None) -> None:
        """Write `output`."""
        output = output.reshape(self._output)
        self._xp.matmul(weight.reshape(self._weight), image.reshape(self._matrices), out=output)
        if bias is not None:
            output += bias.reshape(*self._weight[:2], 1)

    def backward_image(self, output: Any, weight: Any, image: Any) -> None:
        """Write `image`."""
        matrices = image.reshape(self._matrices)
        self._spread(weight.reshape(self._weight), output.reshape(self._output), matrices)

    def backward_weight(self, image: Any, output: Any, weight: Any) -> None:
        """Add to `weight`."""
        weight = weight.reshape(self._weight)
        product = self._workspace.array(self._weight, self._dtype)
        images, outputs = image.reshape(self._matrices), output.reshape(self._output)
        for matrix, rows in zip(images, outputs, strict=True):
            self._xp.matmul(rows, matrix.swapaxes(1, 2), out=product)
            weight += product

    def _plan(self) -> None:
        num, group, _, count = self._output
        self._matrices = (num, group, self._weight[2], count)
        self._workspace.reserve(math.prod(self._weight) * self._dtype.itemsize)


def correlation(
    geometry: ConvolutionGeometry,
    image: Shape,
    outputs: int,
    group: int,
    dtype: Any,
    workspace: Workspace,
) -> Correlation:
    """Return the products made in the way that suits the shapes; arguments as of `Correlation`."""
    wide = math.prod(image[2:]) >= _FEW_POSITIONS
    kind = PointwiseCorrelation if geometry.pointwise and wide else Correlation
    return kind(geometry, image, outputs, group, dtype, workspace)


def _even(total: int, most: int) -> int:
    """The size of parts when `total` is cut evenly into parts of at most `most`, at least 1."""
    parts = -(-total // max(most, 1))
    return -(-total // max(parts, 1)) or 1
