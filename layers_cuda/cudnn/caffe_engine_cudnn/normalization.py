"""Normalization: what cuDNN is asked for around a batch normalisation in training."""

from __future__ import annotations

from dataclasses import dataclass

from caffe_engine_cudnn.graph import Graph, Layout


@dataclass(frozen=True)
class Normalization:
    """``y = scale * (x - mean) / sqrt(variance + eps) + bias``, by the statistics of the batch.

    The tensors are x, scale and bias; then y, the mean and one over the standard deviation.

    Attributes:
        image: ``(N, channels, *spatial)``, x and y.
        eps: What is added to the variance.
    """

    image: Layout
    eps: float

    def draw(self, graph: Graph) -> None:
        """Add the normalisation, without running statistics: Caffe adds up its own."""
        channels = self.image.by_channel()
        x, scale, bias = map(graph.input, (self.image, channels, channels))
        results = graph.operations.batchnorm(
            input=x,
            scale=scale,
            bias=bias,
            in_running_mean=None,
            in_running_var=None,
            epsilon=graph.constant(self.eps),
            momentum=None,
        )
        for result, layout in zip(results, (self.image, channels, channels), strict=False):
            graph.output(result, layout)


@dataclass(frozen=True)
class NormalizationGradient:
    """The gradients of `Normalization`.

    The tensors are dy, x, scale, the mean and one over the standard deviation; then the gradients
    of x, scale and bias.

    Attributes:
        image: ``(N, channels, *spatial)``.
    """

    image: Layout

    def draw(self, graph: Graph) -> None:
        """Add the gradient."""
        channels = self.image.by_channel()
        dy, x = (graph.input(self.image) for _ in range(2))
        scale, mean, inverse = (graph.input(channels) for _ in range(3))
        results = graph.operations.batchnorm_backward(
            grad=dy, input=x, scale=scale, mean=mean, inv_variance=inverse
        )
        for result, layout in zip(results, (self.image, channels, channels), strict=True):
            graph.output(result, layout)
