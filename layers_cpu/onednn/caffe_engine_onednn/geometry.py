"""How Caffe's convolution layers are described to the library."""

from __future__ import annotations

from typing import Any

from caffe_core.blob import Shape
from caffe_core.layer import Layer
from caffe_engine_onednn.memory import Descriptor, dense, dims, strided


def convolution_weights(layer: Layer) -> Descriptor:
    """Describe a learned weight: with an axis for groups, if there are several."""
    group, (outputs, inputs, *kernel) = layer.group, layer.blobs[0].shape
    shape = (outputs // group, inputs, *kernel)
    return dense(shape if group == 1 else (group, *shape))


def deconvolution_weights(layer: Layer) -> Descriptor:
    """Describe the weight of a deconvolution, which Caffe keeps with its inputs first."""
    group, (inputs, outputs, *kernel) = layer.group, layer.blobs[0].shape
    stored = dense((group, inputs // group, outputs, *kernel))
    by_group, by_input, by_output, *rest = stored.strides
    shape, strides = (outputs, inputs // group, *kernel), (by_output, by_input, *rest)
    if group == 1:
        return strided(shape, strides)
    return strided((group, *shape), (by_group, *strides))


def convolution_path(layer: Layer, image: Shape, positions: Shape) -> tuple[Any, ...]:
    """Return stride, dilation and padding; at the end more where the last position overhangs."""
    geometry = layer.geometry
    after = [
        max((count - 1) * stride + extent - length - pad, pad)
        for count, stride, extent, length, pad in zip(
            positions, geometry.stride, geometry.extent, image, geometry.pad, strict=True
        )
    ]
    gaps = [dilation - 1 for dilation in geometry.dilation]
    return dims(geometry.stride), dims(gaps), dims(geometry.pad), dims(after)


def deconvolution_path(layer: Layer, image: Shape, positions: Shape) -> tuple[Any, ...]:
    """Return stride, dilation and padding of a convolution turned round."""
    return convolution_path(layer, positions, image)
