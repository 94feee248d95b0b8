"""Parts: a blob cut along an axis, or put together from others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from caffe_core.blob import Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.layout import around
from caffe_core.cuda.source import elementwise

_PLACE = "whole[(long long)(i / size) * whole_size + start + i % size]"

SOURCE = elementwise(
    "parts",
    join=("const Real* part, Real* whole, int size, int whole_size, int start",
          f"{_PLACE} = part[i];"),
    cut=("const Real* whole, Real* part, int size, int whole_size, int start",
         f"part[i] = {_PLACE};"),
)  # fmt: skip


class Parts:
    """Copies between a blob and its parts along an axis, a launch for each part.

    Args:
        kernel: Whose `source` is the one of this module.
        whole: The blob; all have its memory format.
        axis: Along which it is cut.
        lengths: Of the parts along the axis.
    """

    def __init__(self, kernel: CudaKernel, whole: Blob, axis: int, lengths: Sequence[int]):
        _, inner = around(whole, axis)
        sizes = [length * inner for length in lengths]
        ends = accumulate(sizes)
        self._function = kernel.finder()
        self._places = [
            (size, sum(sizes), end - size) for size, end in zip(sizes, ends, strict=True)
        ]

    def join(self, parts: Sequence[Any], whole: Any) -> None:
        """Write the array `whole` from its parts."""
        for part, place in zip(parts, self._places, strict=True):
            self._function("join")(part.size, part, whole, *place)

    def cut(self, whole: Any, parts: Sequence[Any]) -> None:
        """Write each of `parts` that is not None."""
        for part, place in zip(parts, self._places, strict=True):
            if part is not None:
                self._function("cut")(part.size, whole, part, *place)
