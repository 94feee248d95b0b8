"""The mean and the variance by which a BatchNorm normalises."""

from __future__ import annotations

import numpy as np

from caffe_core.layer import Layer
from caffe_engine_onednn.constants import Arg
from caffe_engine_onednn.memory import dense, new_memory


class Statistics:
    """Mean and variance for a primitive, and what the layer has stored of them.

    Attributes:
        memories: Of mean and variance.
    """

    def __init__(self, layer: Layer):
        self._layer = layer
        shape = dense((layer.channels,))
        self.memories = {role: new_memory(shape) for role in (Arg.MEAN, Arg.VARIANCE)}
        self._arrays = [each.array.view(np.float32) for each in self.memories.values()]

    def recall(self) -> None:
        """Take mean and variance from the stored sums."""
        *sums, total = (blob.data_tensor.read() for blob in self._layer.blobs)
        factor = 1 / total[0] if total[0] else 0.0
        for stored, array in zip(sums, self._arrays, strict=True):
            np.multiply(stored, factor, out=array)

    def remember(self, values: int) -> None:
        """Add the mean and the unbiased variance of so many values to the stored sums."""
        mean, variance = self._arrays
        unbiased = values / max(values - 1, 1)
        for blob, new in zip(self._layer.blobs, (mean, unbiased * variance, 1), strict=True):
            stored = blob.data_tensor.modify()
            stored *= self._layer.moving_average_fraction
            stored += new
