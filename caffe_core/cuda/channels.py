"""Channels: sums over all values of each channel, shared out among blocks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from caffe_core.cuda.function import Function

CHANNELS_CU = Path(__file__).with_name("channels.cu")
CHANNEL_SUMS_CU = Path(__file__).with_name("channel_sums.cu")

_VALUES = 4096  # of a channel, for each block
_LANES = 32  # channels side by side in memory that a block works on
_ROWS = 512  # of them


class Channels:
    """How blocks share out what lies in memory as ``(outer, channels, inner)``.

    The source of a kernel that uses it begins with `CHANNELS_CU`, which has loops over what a
    thread is to sum up.

    Args:
        xp: NumPy or CuPy.
        dtype: Element type of the sums.
        outer: How many times all channels follow one another.
        channels: How many there are.
        inner: How many values of a channel lie side by side.

    Attributes:
        share: The struct of that name in CUDA C.
        blocks: How many blocks there are.
        sums: Room for two sums of each part of each channel.
    """

    def __init__(self, xp: Any, dtype: np.dtype[Any], outer: int, channels: int, inner: int):
        if not inner:
            outer, inner = 0, 1  # no values either, but `inner` is divided by
        lanes, most = (1, _VALUES) if inner > 1 else (_LANES, _ROWS)
        parts = max(1, -(-outer * inner // most))
        self.share = xp.array([channels, inner, outer * inner, lanes, parts], np.int32)
        self.blocks = -(-channels // lanes) * parts
        self.sums = xp.empty(2 * channels * parts, dtype)

    def sum(self, function: Callable[[str], Function], x: Any, result: Any, add: bool) -> None:
        """Sum up each channel of an array.

        Args:
            function: Finds functions of a source that has `CHANNEL_SUMS_CU` after `CHANNELS_CU`.
            x: The array.
            result: A number for each channel.
            add: Whether to add to `result`, or else to overwrite it.
        """
        function("sum_up").blocks(self.blocks, x, self.sums, self.share)
        function("finish").warps(result.size, self.sums, result, add, self.share)
