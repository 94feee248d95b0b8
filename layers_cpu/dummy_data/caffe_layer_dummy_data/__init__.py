"""DummyData: blobs filled by fillers, for tests and timing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.fillers import fill
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, at_least, exactly
from caffe_core.proto import caffe_pb2
from caffe_core.testing import Case

_LEGACY = ("num", "channels", "height", "width")


class DummyData(Layer):
    """Fills its tops: with a constant once, with random numbers anew in each forward.

    ``shape`` and ``data_filler`` are given once for all tops or once for each; without a filler
    the tops are zeros. ``num``, ``channels``, ``height`` and ``width`` are older than ``shape``.
    """

    bottoms = exactly(0)
    tops = at_least(1)
    facts = Facts(backward_reads=frozenset(), host_only=True)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Shape the tops and fill those that are constant: the caller may then change them."""
        zeros = caffe_pb2.FillerParameter()
        self.fillers = self._one_each("data_filler", len(top)) or [zeros] * len(top)
        for blob, shape, filler in zip(top, self._shapes(len(top)), self.fillers, strict=True):
            blob.reshape(shape)
            if filler.type == "constant":
                fill(blob.data, filler, self.rng)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Keep the shapes, which the caller may have changed."""

    def _shapes(self, tops: int) -> list[tuple[int, ...]]:
        legacy = [self._one_each(field, tops) for field in _LEGACY]
        shapes = self._one_each("shape", tops)
        if shapes and any(legacy):
            raise self.error("shape and num, channels, height, width exclude each other; use shape")
        if shapes:
            return [tuple(shape.dim) for shape in shapes]
        if not all(legacy):
            raise self.error("the shape of the tops is missing; set dummy_data_param.shape")
        return list(zip(*legacy, strict=True))

    def _one_each(self, field: str, tops: int) -> list[Any]:
        """Return a repeated field's value for each top; empty if it is not set."""
        values = list(getattr(self.param.dummy_data_param, field))
        if len(values) not in (0, 1, tops):
            raise self.error(
                f"there are {len(values)} {field} for {tops} tops; "
                f"set dummy_data_param.{field} once, or once for each top"
            )
        return values * tops if len(values) == 1 else values


class DummyDataKernel(Kernel):
    """Refills the tops that are random."""

    formats = ANY_FORMAT

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the random tops; constant ones hold what `DummyData.setup` or the caller put in."""
        for blob, filler in zip(top, self.layer.fillers, strict=True):
            if filler.type == "constant":
                continue
            # Fillers take a plain array; a channels-last blob gets the same numbers.
            values = self.workspace.array(blob.shape, blob.dtype)
            fill(values, filler, self.layer.rng)
            blob.overwrite()[...] = values


CASES = [
    Case("dummy_data_param { shape { dim: 2 dim: 3 } }", bottom=[], note="zeros"),
    Case(
        "dummy_data_param { shape { dim: 2 dim: 3 dim: 4 } data_filler { type: 'gaussian' } }",
        bottom=[],
    ),
    Case(
        "dummy_data_param { num: 2 channels: 3 height: 1 width: 2 data_filler { value: 0.25 } }",
        bottom=[],
        tops=2,
        note="the older way to give a shape",
    ),
]
