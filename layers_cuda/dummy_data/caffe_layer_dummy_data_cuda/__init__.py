"""The CUDA kernel of DummyData."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.source import elementwise
from caffe_core.layer import Layer

_FIELDS = {"gaussian": ("mean", "std"), "uniform": ("min", "max")}


class DummyDataKernel(CudaKernel):
    """Draws the random tops on the device, other numbers than the CPU does from the same seed.

    A net with another random filler, or one that asks for what there is not, such as a negative
    ``std``, is filled on the host.
    """

    formats = ANY_FORMAT
    source = elementwise(
        "dummy_data",
        gaussian=(
            "Real* y, unsigned long long key, Real mean, Real std",
            "y[i] = mean + std * random_normal(key, i);",
        ),
        uniform=(
            "Real* y, unsigned long long key, Real low, Real high",
            "y[i] = low + (high - low) * random_uniform(key, i);",
        ),
    )

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Refuse fillers that are not drawn here."""
        for filler in layer.fillers:
            if filler.type != "constant" and not _is_drawn_here(filler):
                return f"filler {filler.type!r} is drawn on the host"
        return None

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the random tops; constant ones hold what the layer or the caller put in."""
        for blob, filler in zip(top, self.layer.fillers, strict=True):
            if filler.type == "constant":
                continue
            key = int(self.layer.rng.integers(1 << 63))
            numbers = [getattr(filler, field) for field in _FIELDS[filler.type]]
            self.function(filler.type)(blob.count, blob.overwrite(), key, *numbers)


def _is_drawn_here(filler: Any) -> bool:
    usual = filler.sparse == -1 and filler.std >= 0 and filler.min <= filler.max
    return filler.type in _FIELDS and usual
