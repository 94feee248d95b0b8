"""The names that scripts import from ``caffe._caffe``: those of `caffe`, and types of values."""

from __future__ import annotations

from typing import Any

from caffe_core.blob import Blob
from caffe_core.proto.caffe_pb2 import LayerParameter, SolverParameter

__all__ = ["Blob", "LayerParameter", "SolverParameter"]

# Scripts ask whether ``type(net.params[name]) is caffe._caffe.BlobVec``.
BlobVec = RawBlobVec = LayerVec = NetVec = StringVec = IntVec = BoolVec = DtypeVec = list


def __getattr__(name: str) -> Any:
    import caffe

    return getattr(caffe, name)
