"""Message classes made at run time from compiled descriptors: no protoc, no generated code."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal import enum_type_wrapper


def load(name: str, module: str) -> dict[str, Any]:
    """Return what protoc would put into a module for ``<name>.proto``.

    Each schema gets a descriptor pool of its own, so that another library's messages of the same
    names in the same process do no harm. Any protobuf from 5 to 7 will do.

    Args:
        name: Stem of a ``.binpb`` in this package, a serialised ``FileDescriptorSet``.
        module: Name of the module that will hold the classes, so that messages can be pickled.

    Returns:
        ``DESCRIPTOR``, message classes, enums and enum values, by name.
    """
    pool = make_pool(compiled(name))
    descriptor = pool.FindFileByName(f"{name}.proto")
    names: dict[str, Any] = {"DESCRIPTOR": descriptor}
    for message in descriptor.message_types_by_name.values():
        names[message.name] = message_factory.GetMessageClass(message)
        names[message.name].__module__ = module
    for enum in descriptor.enum_types_by_name.values():
        names[enum.name] = enum_type_wrapper.EnumTypeWrapper(enum)
        names.update({value.name: value.number for value in enum.values})
    return names


def compiled(name: str) -> descriptor_pb2.FileDescriptorSet:
    """Return the content of ``<name>.binpb``: ``<name>.proto``, after the files it imports."""
    content = (files(__package__) / f"{name}.binpb").read_bytes()
    return descriptor_pb2.FileDescriptorSet.FromString(content)


def make_pool(compiled: descriptor_pb2.FileDescriptorSet) -> Any:
    """Return a descriptor pool with these files and no others."""
    pool = descriptor_pool.DescriptorPool()
    for file in compiled.file:
        pool.Add(file)
    return pool
