"""MeanLoss: the sum of a loss over many numbers, and what it is divided by, on the device."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_core.blob import Blob
from caffe_core.cuda.function import Function
from caffe_core.cuda.source import Source
from caffe_core.normalization import divisor

_THREADS = 512
_NUMBERS = 4096  # for each block
_MOST_BLOCKS = 4096  # or the step of the loop, all their threads, might overflow an int


class MeanLoss:
    """Sums up the parts of a loss in a fixed order, so that the same numbers give the same loss.

    The kernel's own function finds the parts and leaves the sums of each block. It begins::

        KERNEL sum_up(int n, int count, Real* sums, ...) {
            FOR_EACH_BLOCK(block, n) {
                Real loss = 0, valid = 0;
                FOR_EACH_OF_BLOCK(i, block, n, count) { ... }
                leave_sums(sums, block, loss, valid);
            }
        }

    Args:
        device: Where.
        dtype: Element type.
        count: How many parts there are.
        fixed: What their sum is divided by; 0: how many parts are valid, at least 1.

    Attributes:
        divisor: An array of one number, what the sum was divided by.
        source: CUDA C of the second half of the work.
    """

    source = Source.beside(__file__, "mean_loss.cu")

    def __init__(self, device: Any, dtype: np.dtype[Any], count: int, fixed: float):
        self._device, self._count, self._fixed = device, count, fixed
        self._blocks = min(max(1, -(-count // _NUMBERS)), _MOST_BLOCKS)
        self._sums = device.xp.empty(2 * self._blocks, dtype)
        self.divisor = device.xp.empty(1, dtype)

    def write(self, loss: Blob, sum_up: Function, *arguments: Any) -> None:
        """Write the loss.

        Args:
            loss: Where to.
            sum_up: The function; it takes `arguments` after ``n``, ``count`` and ``sums``.
            arguments: What it needs.
        """
        sum_up.blocks(self._blocks, self._count, self._sums, *arguments, threads=_THREADS)
        self._function("finish", loss).blocks(
            1, self._sums, self._blocks, self._fixed, self.divisor, loss.overwrite(),
            threads=_THREADS,
        )  # fmt: skip

    def spread(self, slope: Any, loss: Blob, bottom: Blob, sign: int = 1) -> None:
        """Write the diff of a bottom whose elements change the sum by `sign` times `slope`."""
        dx = bottom.overwrite_diff()
        self._function("spread", loss)(dx.size, slope, sign, loss.read_diff(), self.divisor, dx)

    def _function(self, name: str, loss: Blob) -> Function:
        function: Function = self._device.function(self.source, name, loss.dtype)
        return function


def fixed_divisor(mode: str, *, batch: int, total: int) -> int:
    """Return what a loss divides its sum by if that is known beforehand, else 0.

    Args:
        mode: What `caffe_core.normalization.normalization_mode` returned.
        batch: Items.
        total: Labels.
    """
    return 0 if mode == "VALID" else divisor(mode, batch=batch, total=total, valid=0)
