"""Scale and shift: what is learned behind a normalisation."""

from __future__ import annotations

from typing import Any

from caffe_core.blob import Shape
from caffe_core.layer import Layer
from caffe_core.proto import caffe_pb2


def add_affine(layer: Layer, param: Any, shape: Shape) -> None:
    """Create the learned blobs of a layer, scale and shift, unless ``affine`` is false.

    Args:
        layer: The layer.
        param: Its message, with the fields ``affine``, ``filler`` and ``bias_filler``.
        shape: Of either blob.
    """
    if param.affine:
        one = caffe_pb2.FillerParameter(type="constant", value=1)
        layer.add_blob(shape, param.filler if param.HasField("filler") else one)
        layer.add_blob(shape, param.bias_filler)
