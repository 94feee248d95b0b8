"""Items: what is normalised alone, and where its values lie."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from caffe_core.blob import CONTIGUOUS, Blob

ITEMS_CU = Path(__file__).with_name("items.cu")


@dataclass(frozen=True)
class Items:
    """Items as items.cu sees them.

    Attributes:
        values: How many values an item has.
        groups: How many items take turns within `outer`.
        outer: How far the items of one group are apart.
        step: How far those of neighbouring groups are apart.
        run: How many values of an item lie side by side.
        stride: How far apart such runs are.
    """

    values: int
    groups: int
    outer: int
    step: int
    run: int
    stride: int

    @classmethod
    def whole(cls, values: int) -> Items:
        """Return items one after the other."""
        return cls(values, 1, values, 0, values, values)

    @classmethod
    def of_channels(cls, blob: Blob, groups: int) -> Items:
        """Return `groups` of channels of each of a blob's N."""
        channels, positions = blob.shape[1], blob.span(2)
        run = channels // groups
        if blob.format is CONTIGUOUS or len(blob.shape) < 3 or groups == 1:
            return cls.whole(run * positions)
        return cls(run * positions, groups, channels * positions, run, run, channels)

    @classmethod
    def from_axis(cls, blob: Blob, axis: int) -> Items:
        """Return what the axes from `axis` on span."""
        values = blob.span(axis)
        if blob.format is CONTIGUOUS or len(blob.shape) < 3 or axis == 1:
            return cls.whole(values)
        channels = blob.shape[1]
        return cls(values, channels, channels * values, 1, 1, channels)

    @property
    def threads(self) -> int:
        """How many threads a block has: a few values for each."""
        return next((each for each in (32, 128) if self.values <= 8 * each), 512)

    def struct(self, xp: Any) -> Any:
        """Return the struct of that name in CUDA C."""
        return xp.array(astuple(self), np.int32)

    def count(self, blob: Blob) -> int:
        """Return how many items there are in a blob."""
        return blob.count // max(self.values, 1)
