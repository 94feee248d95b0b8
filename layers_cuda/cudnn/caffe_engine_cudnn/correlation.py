"""Correlation: the three computations around a convolution, as cuDNN is asked for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from caffe_core.blob import Shape
from caffe_core.convolution import ConvolutionGeometry
from caffe_engine_cudnn.graph import Graph, Layout, spatial


class Wanted(Enum):
    """Which of image, weight and output is computed from the other two."""

    OUTPUT = "output"
    IMAGE = "image"
    WEIGHT = "weight"


@dataclass(frozen=True)
class Correlation:
    """Cross-correlation of images with filters, or one of its gradients.

    The tensors are the image, the weight and the output, less what is wanted; then the bias, if
    any; last what is wanted. There are as many groups as the weight's filters have fewer channels
    than the image.

    Attributes:
        wanted: What is computed.
        image: ``(N, channels, *spatial)``.
        weight: ``(outputs, channels / group, *kernel)``.
        output: ``(N, outputs, *positions)``.
        geometry: How the kernel moves.
        biased: Whether a number is added to each channel of the result.
        rectified: Whether negative results become 0.
    """

    wanted: Wanted
    image: Layout
    weight: Layout
    output: Layout
    geometry: ConvolutionGeometry
    biased: bool = False
    rectified: bool = False

    def draw(self, graph: Graph) -> None:
        """Add the convolution or its gradient, then what it ends with."""
        sides = {
            Wanted.OUTPUT: ("conv_fprop", {"image": self.image, "weight": self.weight}),
            Wanted.IMAGE: ("conv_dgrad", {"loss": self.output, "filter": self.weight}),
            Wanted.WEIGHT: ("conv_wgrad", {"image": self.image, "loss": self.output}),
        }
        operation, tensors = sides[self.wanted]
        result = getattr(graph.operations, operation)(
            **{role: graph.input(layout) for role, layout in tensors.items()},
            pre_padding=spatial(self.geometry.pad, 0),
            post_padding=spatial(self._padding_after(), 0),
            stride=spatial(self.geometry.stride, 1),
            dilation=spatial(self.geometry.dilation, 1),
        )
        layout: Layout = getattr(self, self.wanted.value)
        if self.biased or self.rectified:
            result.set_dim(layout.shape).set_stride(layout.strides)
        if self.biased:
            bias = graph.input(layout.by_channel())
            result = graph.operations.bias(input=result, bias=bias)
        if self.rectified:
            result = graph.operations.relu(input=result)
        graph.output(result, layout)

    def _padding_after(self) -> Shape:
        """The zeros behind the image: more than before it where the last position overhangs."""
        geometry = self.geometry
        axes = len(geometry.kernel)
        return tuple(
            max((count - 1) * stride + extent - length - pad, pad)
            for count, stride, extent, length, pad in zip(
                self.output.shape[-axes:],
                geometry.stride,
                geometry.extent,
                self.image.shape[-axes:],
                geometry.pad,
                strict=True,
            )
        )
