"""Caffe's messages, as protoc would name them: ``caffe_pb2.NetParameter()``, ``caffe_pb2.TRAIN``.

The classes are made from ``caffe.binpb``, which ``make proto`` compiles from ``caffe.proto``.
"""

from __future__ import annotations

from typing import Any

from caffe_core.proto import schema

globals().update(schema.load("caffe", __name__))


def __getattr__(name: str) -> Any:  # for type checkers: the names above are made at run time
    raise AttributeError(f"caffe.proto has no message or enum {name!r}")
