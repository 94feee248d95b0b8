"""Folding: layers that scale and shift each channel, made part of the weights before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_core.blob import Blob
from caffe_core.layer import Layer


def can_fold(layer: Layer, channels: int) -> bool:
    """Whether a layer multiplies each channel by one number and adds another, fixed ones."""
    if layer.type == "BatchNorm":
        return bool(layer.use_global_stats)
    if layer.type != "Scale" or len(layer.param.bottom) > 1:
        return False
    return layer.param.scale_param.axis == 1 and layer.blobs[0].shape == (channels,)


class Folded:
    """Weight and bias of a convolution with the layers that follow folded in.

    Attributes:
        weight: The folded weight, shaped as the learned one.
        bias: The folded bias, ``(channels,)``.
        blobs: Every learned blob that they depend on.
    """

    def __init__(self, learned: Sequence[Blob], layers: Sequence[Layer]):
        self._learned, self._layers = list(learned), list(layers)
        self.weight = Blob(learned[0].shape)
        self.bias = Blob((learned[0].shape[0],))
        self.blobs = [*learned, *(blob for layer in layers for blob in layer.blobs)]

    def refresh(self) -> None:
        """Compute both anew."""
        factor, shift = np.float32(1), np.zeros(self.bias.shape, np.float32)
        if len(self._learned) > 1:
            shift = self._learned[1].read()
        for layer in self._layers:
            by, plus = _line(layer)
            factor, shift = factor * by, shift * by + plus
        weight = self._learned[0].read()
        spread = np.reshape(factor, (-1, *[1] * (weight.ndim - 1)))
        np.multiply(weight, spread, out=self.weight.overwrite())
        self.bias.overwrite()[...] = shift


def _line(layer: Layer) -> tuple[Any, Any]:
    """Return what a layer multiplies each channel by, and what it adds then."""
    if layer.type == "Scale":
        added = layer.blobs[1].read() if len(layer.blobs) > 1 else np.float32(0)
        return layer.blobs[0].read(), added
    mean, variance, total = (blob.read() for blob in layer.blobs)
    norm = 1 / total[0] if total[0] else np.float32(0)
    by = 1 / np.sqrt(variance * norm + layer.eps)
    return by, -mean * norm * by
