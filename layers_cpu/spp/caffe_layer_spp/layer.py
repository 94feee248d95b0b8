"""What an SPP layer is: a pyramid of Pooling layers."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_layer_pooling import Pooling

from caffe_core.blob import Blob
from caffe_core.layer import Facts, Layer
from caffe_core.proto import caffe_pb2

PoolMethod = caffe_pb2.SPPParameter.PoolMethod


class SPP(Layer):
    """Pools each channel in a pyramid of grids, each finer than the one before.

    Level 0 pools the whole image, level i a grid of ``2 ** i`` times ``2 ** i`` bins, each by
    ``pool``. The top ``(N, C * bins of all levels)`` holds the levels one after the other, each
    flattened. With a ``pyramid_height`` of 1 it stays ``(N, C, 1, 1)``, as in Caffe.

    Source: He et al., "Spatial pyramid pooling in deep convolutional networks for visual
    recognition", 2014.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the height of the pyramid, and what its levels read."""
        param = self.param.spp_param
        self.height, self.method = param.pyramid_height, PoolMethod.Name(param.pool)
        if self.height == 0:
            raise self.error("pyramid_height must be at least 1; set spp_param.pyramid_height")
        reads = self._pyramid(bottom)[0].facts.backward_reads
        self.facts = Facts(backward_reads=reads & {"bottom"})

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Lay the bins out over the image."""
        num, channels, *_ = bottom[0].shape
        self.levels = self._pyramid(bottom)
        bins = sum(4**level for level in range(self.height))
        top[0].reshape((num, channels * bins) if self.height > 1 else (num, channels, 1, 1))

    def _pyramid(self, bottom: Sequence[Blob]) -> list[Pooling]:
        """A Pooling layer for each level."""
        shape = bottom[0].shape
        if len(shape) != 4:
            raise self.error(
                f"bottom {self.param.bottom[0]!r} has shape {shape}, expected 4 axes: N, C, H, W"
            )
        levels = [self._pooling(2**level, *shape) for level in range(self.height)]
        for level in levels:
            if self.method == "STOCHASTIC":
                level.rng = self.rng
            level.setup(bottom, [Blob()])
        return levels

    def _pooling(self, bins: int, num: int, channels: int, *sides: int) -> Pooling:
        """A layer that pools so many bins along each side, padding what they do not divide."""
        kernel = [-(-side // bins) for side in sides]
        pad = [(size * bins - side + 1) // 2 for size, side in zip(kernel, sides, strict=True)]
        where = f"{bins} bins along sides of {sides} in bottom {self.param.bottom[0]!r}"
        if any(edge >= size for edge, size in zip(pad, kernel, strict=True)):
            raise self.error(f"{where} would be empty; lower pyramid_height or use larger images")
        if any(pad) and self.method == "STOCHASTIC":
            raise self.error(f"{where} need padding, which pool: STOCHASTIC does not take")
        param = caffe_pb2.LayerParameter(name=self.name, type=self.type, bottom=self.param.bottom)
        param.pooling_param.pool = caffe_pb2.PoolingParameter.PoolMethod.Value(self.method)
        for field, (high, wide) in {"kernel": kernel, "stride": kernel, "pad": pad}.items():
            setattr(param.pooling_param, f"{field}_h", high)
            setattr(param.pooling_param, f"{field}_w", wide)
        return Pooling(param, self.phase, dtype=self.dtype)
