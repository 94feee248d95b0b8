"""The geometry of a `ConvolutionParameter`: kernel, stride, pad and dilation along each axis."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from caffe_core.blob import Shape
from caffe_core.layer import Layer


@dataclass(frozen=True)
class ConvolutionGeometry:
    """How a kernel moves over the spatial axes of an image, of which there may be any number.

    Attributes:
        kernel: Elements of the kernel along each spatial axis.
        stride: Distance between positions of the kernel.
        pad: Zeros put before and after the image.
        dilation: Distance between neighbouring elements of the kernel.
    """

    kernel: Shape
    stride: Shape
    pad: Shape
    dilation: Shape

    @classmethod
    def read(cls, layer: Layer, axes: int) -> ConvolutionGeometry:
        """Return what the ``convolution_param`` of `layer` says for `axes` spatial axes.

        Raises:
            LayerError: A value is missing, is zero, is given in two ways, or there are neither one
                nor one for each axis.
        """
        geometry = cls(
            kernel=_per_axis(layer, axes, "kernel_size", "kernel", None),
            stride=_per_axis(layer, axes, "stride", "stride", 1),
            pad=_per_axis(layer, axes, "pad", "pad", 0),
            dilation=_per_axis(layer, axes, "dilation", None, 1),
        )
        if 0 in geometry.kernel:
            raise layer.error(
                f"the kernel is {_by(geometry.kernel)}, but each side must be at least 1; "
                "set kernel_size, or both kernel_h and kernel_w"
            )
        if 0 in geometry.stride:
            raise layer.error(
                f"the stride is {_by(geometry.stride)}, but each must be at least 1; "
                "set stride, or both stride_h and stride_w"
            )
        return geometry

    @property
    def extent(self) -> Shape:
        """Length that the kernel covers along each axis, the gaps of dilation included."""
        return tuple(
            gap * (size - 1) + 1 for size, gap in zip(self.kernel, self.dilation, strict=True)
        )

    @property
    def pointwise(self) -> bool:
        """Whether each position sees exactly one element of the image, in order."""
        axes = len(self.kernel)
        return self.kernel == self.stride == (1,) * axes and self.pad == (0,) * axes

    def blocks(self) -> list[tuple[slice, ...]]:
        """Return the kernel cut into blocks that can be added to an image in one go.

        No two elements of a block see the same element of an image, wherever the kernel stands.
        """
        axes = zip(self.kernel, self.stride, self.dilation, strict=True)
        return list(
            itertools.product(*(_parts(n, step // math.gcd(step, gap)) for n, step, gap in axes))
        )

    def positions(self, image: Shape) -> Shape:
        """Return how many positions the kernel takes along each axis of an `image`.

        Caffe divides as C does, towards zero: a kernel that overhangs the padded image by less than
        a stride still has one position, and sees zeros beyond. Where not even that fits, the result
        is not positive.
        """
        rest = (
            length + 2 * pad - extent
            for length, pad, extent in zip(image, self.pad, self.extent, strict=True)
        )
        return tuple(
            (left // step if left >= 0 else -(-left // step)) + 1
            for left, step in zip(rest, self.stride, strict=True)
        )

    def image(self, positions: Shape) -> Shape:
        """Return the least image in which the kernel takes so many positions along each axis.

        Where padding alone would do, the result is not positive.
        """
        return tuple(
            (count - 1) * step + extent - 2 * pad
            for count, step, extent, pad in zip(
                positions, self.stride, self.extent, self.pad, strict=True
            )
        )

    def padded(self, image: Shape) -> Shape:
        """Return the least shape that holds a padded `image` and every position of the kernel."""
        return tuple(
            max(length, reached) + 2 * pad
            for length, reached, pad in zip(
                image, self.image(self.positions(image)), self.pad, strict=True
            )
        )


def _per_axis(layer: Layer, axes: int, name: str, short: str | None, default: int | None) -> Shape:
    """A repeated field with a value for each axis or one for all; or ``_h`` and ``_w`` for two."""
    param = layer.param.convolution_param
    values = tuple(getattr(param, name))
    pair = (f"{short}_h", f"{short}_w")
    if short and any(param.HasField(each) for each in pair):
        if axes != 2:
            raise layer.error(
                f"{pair[0]} and {pair[1]} need 2 spatial axes, there are {axes}; use {name}"
            )
        if values:
            raise layer.error(f"{name} and {' or '.join(pair)} are both given; drop one of them")
        return tuple(getattr(param, each) for each in pair)
    if not values and default is not None:
        values = (default,)
    if len(values) not in (1, axes):
        raise layer.error(
            f"{name} is given {len(values)} times, expected once or once for each of the {axes} "
            "spatial axes"
        )
    return values * axes if len(values) == 1 else values


def _parts(total: int, size: int) -> list[slice]:
    """The numbers below `total`, cut into parts of at most `size`."""
    return [slice(start, min(start + size, total)) for start in range(0, total, size)]


def _by(shape: Shape) -> str:
    return "x".join(map(str, shape))
