"""Im2col and col2im: the patches of images as the columns of a matrix, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from caffe_core.blob import Shape
from caffe_core.convolution import ConvolutionGeometry


class Patches:
    """A few images with zeros around them, and the patch that a kernel sees at each position.

    The images are innermost in memory. For one image that is the usual order; for several it makes
    long runs of the short rows of small images, and copying is fast where runs are long.

    Args:
        geometry: How the kernel moves.
        image: ``(N, channels, *spatial)``; N does not matter.
        images: How many images there are at most.
        buffer: Flat memory for `images` times `size` elements.
        xp: NumPy or CuPy.

    Attributes:
        padded: The images, ``(channels, *padded, images)``.
        windows: Every patch, ``(channels, *kernel, *positions, images)``: a view of `padded`, in
            which the elements that patches have in common are the same memory.
        blocks: What `ConvolutionGeometry.blocks` returns.
    """

    def __init__(
        self,
        geometry: ConvolutionGeometry,
        image: Shape,
        images: int,
        buffer: Any,
        xp: Any = np,
    ):
        _, channels, *lengths = image
        shape = (channels, *geometry.padded(image[2:]), images)
        self.padded = buffer[: math.prod(shape)].reshape(shape)
        spans = [slice(pad, pad + size) for pad, size in zip(geometry.pad, lengths, strict=True)]
        inside = (slice(None), *spans)
        self._inside = self.padded[inside]
        self._border = [
            self.padded[(slice(None),) * (axis + 1) + (side,)]
            for axis, span in enumerate(spans)
            for side in (slice(0, span.start), slice(span.stop, shape[axis + 1]))
            if side.start < side.stop
        ]
        first, *steps, last = self.padded.strides
        self.windows = xp.lib.stride_tricks.as_strided(
            self.padded,
            (channels, *geometry.kernel, *geometry.positions(image[2:]), images),
            (
                first,
                *(step * gap for step, gap in zip(steps, geometry.dilation, strict=True)),
                *(step * move for step, move in zip(steps, geometry.stride, strict=True)),
                last,
            ),
        )
        self.blocks = geometry.blocks()

    @staticmethod
    def size(geometry: ConvolutionGeometry, image: Shape) -> int:
        """Return how many elements of memory an image ``(N, channels, *spatial)`` needs."""
        return image[1] * math.prod(geometry.padded(image[2:]))

    def clear_border(self) -> None:
        """Put zeros around the images: needed once after the memory has served anything else."""
        for side in self._border:
            side[...] = 0

    def load(self, images: Any) -> None:
        """Copy in ``(N, channels, *image)``, where N is no more than there is room for."""
        self._inside[..., : len(images)] = images.transpose(*range(1, images.ndim), 0)

    def store(self, images: Any) -> None:
        """Copy the first N images out to ``(N, channels, *image)``."""
        inside = self._inside[..., : len(images)]
        images[...] = inside.transpose(inside.ndim - 1, *range(inside.ndim - 1))


class Columns:
    """The patches at some rows of positions, copied out to be the columns of a matrix.

    Args:
        patches: Where the patches are.
        rows: Which positions along the first spatial axis; ``slice(0, 1)`` if there is none.
        buffer: Flat memory for the columns.

    Attributes:
        array: The columns, ``(channels, *kernel, *positions, images)``.
        span: Where these positions are among all, flattened.
    """

    def __init__(self, patches: Patches, rows: slice, buffer: Any):
        axes = patches.padded.ndim - 2
        self._windows = patches.windows[(slice(None),) * (axes + 1) + ((rows,) if axes else ())]
        shape: Shape = self._windows.shape
        self.array = buffer[: math.prod(shape)].reshape(shape)
        across = math.prod(shape[axes + 2 : -1])
        self.span = slice(rows.start * across, rows.stop * across)
        blocks = [(slice(None), *block) for block in patches.blocks]
        self._blocks = [(self._windows[block], self.array[block]) for block in blocks]

    def im2col(self) -> None:
        """Copy each patch to its column."""
        self.array[...] = self._windows

    def col2im(self) -> None:
        """Add each column to its patch."""
        for windows, columns in self._blocks:
            windows += columns
