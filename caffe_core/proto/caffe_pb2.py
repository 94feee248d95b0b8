"""Caffe's messages, as protoc would name them: ``caffe_pb2.NetParameter()``, ``caffe_pb2.TRAIN``.

They live in a descriptor pool of their own, so that another library's ``caffe_pb2`` in the same
process does no harm. The classes are made from ``caffe.binpb``, which ``make proto`` compiles from
``caffe.proto``; any protobuf from 5 to 7 reads it.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal import enum_type_wrapper


def _load() -> Any:
    compiled = descriptor_pb2.FileDescriptorSet.FromString(
        (files(__package__) / "caffe.binpb").read_bytes()
    )
    pool = descriptor_pool.DescriptorPool()
    for file in compiled.file:
        pool.Add(file)
    return pool.FindFileByName(compiled.file[-1].name)


DESCRIPTOR = _load()

for _name, _message in DESCRIPTOR.message_types_by_name.items():
    globals()[_name] = message_factory.GetMessageClass(_message)
for _name, _enum in DESCRIPTOR.enum_types_by_name.items():
    globals()[_name] = enum_type_wrapper.EnumTypeWrapper(_enum)
    globals().update({value.name: value.number for value in _enum.values})


def __getattr__(name: str) -> Any:  # for type checkers: the names above are made at run time
    raise AttributeError(f"caffe.proto has no message or enum {name!r}")
