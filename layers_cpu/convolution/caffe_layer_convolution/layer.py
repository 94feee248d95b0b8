"""What a Convolution is: its parameters, shapes and learned blobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from caffe_core.blob import Blob, Shape
from caffe_core.convolution import ConvolutionGeometry
from caffe_core.layer import Facts, Layer, at_least


class Convolution(Layer):
    """Convolution over any number of spatial axes: those behind the channel axis, ``axis``.

    Axes before ``axis`` are batch axes. Each bottom has a top of its own; all share the filters.
    ``force_nd_im2col`` changes nothing: there is one implementation for any number of axes.

    Learned blobs: the weight ``(num_output, channels / group, *kernel)`` and the bias
    ``(num_output,)`` unless ``bias_term`` is false.

    Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998.
    """

    bottoms = at_least(1)
    tops = at_least(1)
    equal_counts = True
    facts = Facts(backward_reads=frozenset({"bottom"}))

    @property
    def movable_stride(self) -> Shape | None:
        """Stride of the kernel, if all axes from the third on are spatial."""
        return self.geometry.stride if self.axis == 1 else None

    @movable_stride.setter
    def movable_stride(self, value: Shape) -> None:
        self.geometry = replace(self.geometry, stride=value)

    @property
    def samples_bottom(self) -> bool:
        """Whether the kernel is a single element, and never sees padding."""
        return {*self.geometry.kernel} <= {1} and not any(self.geometry.pad)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the geometry, create the weight and the bias."""
        param = self.param.convolution_param
        self.axis = bottom[0].axis(param.axis)
        self.axes = len(bottom[0].shape)
        self.channels = bottom[0].shape[self.axis]
        self.outputs = param.num_output
        self.group = param.group
        self.geometry = ConvolutionGeometry.read(self, self.axes - self.axis - 1)
        self._check_channels()
        self.add_blob(self.weight_shape(), param.weight_filler)
        if param.bias_term:
            self.add_blob((self.outputs,), param.bias_filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Keep the batch axes, then ``num_output``, then the positions of the kernel."""
        self._check_shapes(bottom)
        batch = bottom[0].shape[: self.axis]
        image = self.top_image(bottom[0].shape[self.axis + 1 :])
        for each in top:
            each.reshape(*batch, self.outputs, *image)

    def multiply_adds(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> int:
        """Each position of each item is multiplied by the whole weight."""
        each = (blob.span(0, self.axis) * blob.span(self.axis + 1) for blob in top)
        return self.blobs[0].count * sum(each)

    def weight_shape(self) -> Shape:
        """Return the shape of the weight."""
        return (self.outputs, self.channels // self.group, *self.geometry.kernel)

    def top_image(self, image: Shape) -> Shape:
        """Return the spatial axes of the tops, given those of the bottoms.

        Raises:
            LayerError: Nothing would be left.
        """
        positions = self.geometry.positions(image)
        if any(count < 1 for count in positions):
            pad, extent = self.geometry.pad, self.geometry.extent
            raise self.error(
                f"the kernel covers {extent}, but bottom {self.param.bottom[0]!r} with its padding "
                f"is {tuple(n + 2 * p for n, p in zip(image, pad, strict=True))}; "
                "use a smaller kernel, more pad or larger images"
            )
        return positions

    def _check_channels(self) -> None:
        if self.outputs == 0:
            raise self.error("num_output must be at least 1; set convolution_param.num_output")
        for count, what in ((self.channels, "channels"), (self.outputs, "outputs")):
            if 0 in (count, self.group) or count % self.group:
                raise self.error(
                    f"{count} {what} cannot be split into {self.group} groups; "
                    "group must divide both the bottom's channels and num_output"
                )

    def _check_shapes(self, bottom: Sequence[Blob]) -> None:
        first, name = bottom[0], self.param.bottom[0]
        if len(first.shape) != self.axes:
            raise self.error(
                f"bottom {name!r} has shape {first.shape}, but it had {self.axes} axes at first; "
                "the number of axes must not change"
            )
        if first.shape[self.axis] != self.channels:
            raise self.error(
                f"weight {self.blobs[0].shape} in {self.group} groups takes {self.channels} input "
                f"channels, bottom {name!r} {first.shape} has {first.shape[self.axis]}; "
                "the number of channels must not change"
            )
        for other, its_name in zip(bottom, self.param.bottom, strict=True):
            if other.shape != first.shape:
                raise self.error(
                    f"bottom {its_name!r} has shape {other.shape}, bottom {name!r} {first.shape}; "
                    "all bottoms must have the same shape"
                )
