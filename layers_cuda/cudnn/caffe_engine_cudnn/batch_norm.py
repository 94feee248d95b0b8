"""BatchNorm on cuDNN."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from caffe_core.blob import CONTIGUOUS, Blob, MemoryFormat
from caffe_core.cuda.source import Source
from caffe_core.layer import Layer
from caffe_engine_cudnn.graph import Computation, Layout
from caffe_engine_cudnn.kernel import CudnnKernel
from caffe_engine_cudnn.native import ONE, ZERO, Native
from caffe_engine_cudnn.normalization import Normalization, NormalizationGradient

_SPATIAL = 1  # one mean for each channel


class BatchNormKernel(CudnnKernel):
    """BatchNorm, of the batch's statistics by graphs, of those stored by a C function.

    The graphs' running statistics are averages, Caffe's are sums beside a count: so they are added
    up in a launch of their own. In place a copy of the bottom is made first, which backward needs.

    Attributes:
        mean: What forward has subtracted, for each channel.
        scale: What it has multiplied by, if the statistics are the batch's.
        variance: What that follows from, if they are those stored.
        kept: The copy.
    """

    source = Source.beside(__file__, "batch_norm.cu", "keep.cu")

    @classmethod
    def fails(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Refuse what has no channels."""
        if len(bottom[0].shape) < 2:
            return "cuDNN wants channels, on axis 1"
        return super().fails(layer, bottom, top)

    @classmethod
    def computations(
        cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob], memory_format: MemoryFormat
    ) -> Iterator[Computation]:
        """The result and its gradient, if the statistics are the batch's."""
        if not layer.use_global_stats:
            image = _seen(bottom[0], memory_format)
            yield from (Normalization(image, layer.eps), NormalizationGradient(image))

    @classmethod
    def attempt(
        cls, native: Native, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]
    ) -> None:
        """Scale one pixel by statistics, if those stored are used."""
        if layer.use_global_stats:
            pixel = Layout.dense((1, layer.channels), CONTIGUOUS)
            x, y, numbers = (bottom[0].device.zeros(layer.channels, layer.dtype) for _ in range(3))
            _scale(native, layer, [native.tensor(pixel)] * 2, x, y, [numbers] * 4)

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Ask for the plan of the present shape; allocate a few numbers for each channel."""
        layer, xp, x = self.layer, self.xp, bottom[0]
        self._empty = not x.count
        if self._empty:
            return
        self._values = x.count // layer.channels
        self._image = _seen(x, x.format)
        self.mean, self.scale, self.variance = (xp.empty(layer.channels, x.dtype) for _ in range(3))
        self._ones = xp.ones(layer.channels, x.dtype)
        self._zeros = xp.zeros(layer.channels, x.dtype)
        self.kept = None
        if layer.use_global_stats:
            native = self._native = Native(self.library)
            self._tensors = native.tensor(self._image), native.tensor(self._image.by_channel())
        else:
            self._forward = self.plan(Normalization(self._image, layer.eps))
            self._backward = NormalizationGradient(self._image)
            if top[0] is bottom[0]:
                self.kept = xp.empty(x.count, x.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top; add the batch's mean and variance to the statistics if they are used."""
        if self._empty:
            return
        layer, x = self.layer, bottom[0].read()
        y = top[0].data if top[0] is bottom[0] else top[0].overwrite()
        if layer.use_global_stats:
            stored = [blob.read() for blob in self.blobs]
            self.function("recall")(layer.channels, *stored, self.mean, self.variance)
            self._scale(x, y, self.mean)
            return
        if self.kept is not None:
            self.keep(x, self.kept)
            x = self.kept
        self.run(self._forward, x, self._ones, self._zeros, y, self.mean, self.scale)
        self.function("remember")(
            layer.channels, self.mean, self.scale, *[blob.data for blob in self.blobs],
            layer.moving_average_fraction, layer.eps, self._values,
        )  # fmt: skip

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff."""
        if self._empty or not propagate_down[0]:
            return
        dy, dx = top[0].read_diff(), bottom[0].overwrite_diff()
        if self.layer.use_global_stats:
            self._scale(dy, dx, self._zeros)
            return
        x = bottom[0].read() if self.kept is None else self.kept
        read = dy, x, self._ones, self.mean, self.scale
        plan, sums = self.plan(self._backward), (self.mean.shape, self.mean.dtype)
        if self.library.address(dx) != self.library.address(dy):
            self.run_beside(plan, [sums, sums], *read, dx)
        else:
            beside, *_ = self.run_beside(plan, [((dx.size,), dx.dtype), sums, sums], *read)
            self.keep(beside, dx)

    def _scale(self, x: Any, y: Any, mean: Any) -> None:
        numbers = self._ones, self._zeros, mean, self.variance
        _scale(self._native, self.layer, self._tensors, x, y, numbers)


def _scale(
    native: Native, layer: Layer, tensors: Sequence[Any], x: Any, y: Any, numbers: Sequence[Any]
) -> None:
    """Write ``factor (x - mean) / sqrt(variance + eps) + bias``, which may take the place of `x`.

    Args:
        native: The C functions.
        layer: The layer.
        tensors: What describes `x` and `y`, and what describes one number for each channel.
        x: What is normalised.
        y: Where to.
        numbers: Factor, bias, mean and variance.
    """
    image, channels = tensors
    native.compute(
        "cudnnBatchNormalizationForwardInference", _SPATIAL, ONE, ZERO, image, x, image, y,
        channels, *numbers, float(layer.eps),
    )  # fmt: skip


def _seen(blob: Blob, memory_format: MemoryFormat) -> Layout:
    """The layout of a blob, its spatial axes seen as one."""
    return Layout.dense((*blob.shape[:2], blob.span(2), 1), memory_format)
