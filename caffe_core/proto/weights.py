"""Trained weights: .caffemodel files of any age, and Caffe's HDF5 layout."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from caffe_core.errors import ParseError
from caffe_core.proto import caffe_pb2, wire
from caffe_core.proto.binary import HDF5, map_file, what_it_is
from caffe_core.proto.files import atomic_write, errors_in
from caffe_core.proto.stored_blob import Array, blob_buffers, read_blob
from caffe_core.proto.stored_blob import StoredBlob as StoredBlob
from caffe_core.proto.upgrade import upgrade_net

log = logging.getLogger("caffe")

_BVLC_LIMIT = (1 << 31) - 1  # bytes

_OTHER = (HDF5, (rb"\x08", "this is a .solverstate or a mean file. Give the .caffemodel."))

Blobs = Mapping[str, Sequence[tuple[Array, "Array | None"]]]


@dataclass(frozen=True)
class Weights:
    """Learned blobs by layer, as read from a file.

    Attributes:
        param: The net that was saved, upgraded, without its blobs.
        layers: The blobs of each layer by its name, in file order. None stands for a blob that an
            HDF5 file leaves out because it is shared: its owner has it.
        owners_only: The file leaves out shared blobs, so lists may be too short as well.
    """

    param: Any
    layers: dict[str, list[StoredBlob | None]]
    owners_only: bool = False

    @classmethod
    def from_message(cls, param: Any) -> Weights:
        """Return the weights in a ``NetParameter``, of this or another ``caffe_pb2``.

        Raises:
            ParseError: A blob's shape does not go with its values.
        """
        try:
            weights = _read_net(memoryview(param.SerializePartialToString()))
        except wire.WireError as error:
            raise ParseError(f"net {param.name!r}: {error}") from error
        upgrade_net(weights.param, "<NetParameter>")
        return weights


def read_weights(path: str | os.PathLike[str]) -> Weights:
    """Return the weights in a file: HDF5 if its name ends in ``.h5``, else a ``NetParameter``.

    Arrays are views of the file, which is mapped, not read: copy what must outlive a change to it.

    Raises:
        ParseError: The file is missing, cut off or something else.
    """
    if os.fspath(path).endswith(".h5"):
        from caffe_core.proto import hdf5

        return hdf5.read_weights(path)
    data = map_file(path)
    with errors_in(os.fspath(path)):
        try:
            weights = _read_net(data)
            if not weights.layers:
                raise wire.WireError(0, "there are no layers")
        except wire.WireError as error:
            raise ParseError(what_it_is(data, str(error), _OTHER)) from error
        upgrade_net(weights.param, os.fspath(path))
    return weights


def write_weights(path: str | os.PathLike[str], param: Any, blobs: Blobs) -> None:
    """Write a net and its weights: HDF5 if the name ends in ``.h5``, else a ``NetParameter``.

    Args:
        path: File to write or replace. It is complete or untouched.
        param: The net, as ``NetParameter``; blobs in it are ignored.
        blobs: For each layer with learned blobs, their values and, to be written too, gradients.

    Raises:
        CaffeError: The file cannot be written.
    """
    if os.fspath(path).endswith(".h5"):
        from caffe_core.proto import hdf5

        hdf5.write_weights(path, param, blobs)
        return
    with atomic_write(path) as file:
        for buffer in _net_buffers(param, blobs):
            file.write(buffer)
        if file.tell() > _BVLC_LIMIT:
            log.warning(
                "%s is larger than 2 GB, which BVLC Caffe does not read; "
                "`snapshot_format: HDF5` has no such limit",
                os.fspath(path),
            )


class _Layout(NamedTuple):
    """Numbers of the fields of a layer message that matter here."""

    name: int
    blobs: int
    nested: dict[int, _Layout] = {}


def _layout(message: Any, **nested: _Layout) -> _Layout:
    fields = message.DESCRIPTOR.fields_by_name
    numbers = {fields[name].number: layout for name, layout in nested.items()}
    return _Layout(fields["name"].number, fields["blobs"].number, numbers)


_CURRENT = _layout(caffe_pb2.LayerParameter)
_V0 = _layout(caffe_pb2.V0LayerParameter)
_V1 = _layout(caffe_pb2.V1LayerParameter, layer=_V0)
_NET = caffe_pb2.NetParameter.DESCRIPTOR.fields_by_name
_LAYERS = {_NET["layer"].number: _CURRENT, _NET["layers"].number: _V1}


class _Layer:
    """What the wire reader takes out of a layer message, and what it leaves for protobuf."""

    def __init__(self) -> None:
        self.name = ""
        self.blobs: list[StoredBlob | None] = []
        self.rest = bytearray()


def _read_net(data: memoryview) -> Weights:
    rest = bytearray()
    layers: dict[str, list[StoredBlob | None]] = {}
    for field in wire.fields(data, 0, len(data)):
        layout = _LAYERS.get(field.number)
        if layout is None or field.kind != wire.LENGTH:
            rest += data[field.tag : field.end]
            continue
        layer = _Layer()
        try:
            _read_layer(layer, data, field.start, min(field.end, len(data)), layout)
        except wire.WireError as error:
            raise error.within(f"layer {layer.name!r}") from error
        rest += wire.prefix(field.number, len(layer.rest)) + layer.rest
        if layer.blobs or layer.name not in layers:
            layers[layer.name] = layer.blobs
    return Weights(wire.decode(caffe_pb2.NetParameter, rest, 0), layers)


def _read_layer(layer: _Layer, data: memoryview, start: int, end: int, layout: _Layout) -> None:
    for field in wire.fields(data, start, end):
        if field.kind != wire.LENGTH:
            layer.rest += data[field.tag : field.end]
        elif field.number == layout.blobs:
            layer.blobs.append(read_blob(data, field.start, min(field.end, end)))
        elif field.number in layout.nested:
            inner = _Layer()
            _read_layer(inner, data, field.start, min(field.end, end), layout.nested[field.number])
            layer.name = inner.name
            layer.blobs += inner.blobs
            layer.rest += wire.prefix(field.number, len(inner.rest)) + inner.rest
        else:
            layer.rest += data[field.tag : field.end]
            if field.number == layout.name:
                layer.name = bytes(data[field.start : field.end]).decode(errors="replace")


def _net_buffers(param: Any, blobs: Blobs) -> Iterator[Any]:
    """Yield the serialised net piece by piece, in the order that protobuf gives its fields."""
    net = caffe_pb2.NetParameter()
    net.CopyFrom(param)
    net.ClearField("layer")
    yield net.SerializeToString()
    for layer in param.layer:
        head, tail = _around_blobs(layer)
        stored: list[Any] = []
        for data, diff in blobs.get(layer.name, ()):
            buffers = blob_buffers(data, diff)
            stored += [wire.prefix(_CURRENT.blobs, sum(map(len, buffers))), *buffers]
        length = len(head) + sum(map(len, stored)) + len(tail)
        yield from (wire.prefix(_NET["layer"].number, length), head, *stored, tail)


def _around_blobs(layer: Any) -> tuple[memoryview, memoryview]:
    """Return the serialised layer without its blobs, as what comes before them and after."""
    bare = caffe_pb2.LayerParameter()
    bare.CopyFrom(layer)
    bare.ClearField("blobs")
    content = memoryview(bare.SerializeToString())
    later = (f.tag for f in wire.fields(content, 0, len(content)) if f.number > _CURRENT.blobs)
    cut = next(later, len(content))
    return content[:cut], content[cut:]
