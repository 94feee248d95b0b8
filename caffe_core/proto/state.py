"""Solver state: .solverstate files, and Caffe's HDF5 layout."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError

from caffe_core.errors import ParseError
from caffe_core.proto import caffe_pb2, resume, wire
from caffe_core.proto.binary import HDF5, map_file, what_it_is
from caffe_core.proto.files import atomic_write
from caffe_core.proto.stored_blob import Array, blob_buffers, read_blob

_HISTORY = caffe_pb2.SolverState.DESCRIPTOR.fields_by_name["history"].number
_RESUME = 1000
_OTHER = (HDF5, (rb"[\n\x12\xa2]", "this looks like a .caffemodel. Give it as weights."))


@dataclass(frozen=True)
class State:
    """A solver between two iterations.

    Attributes:
        iter: Iterations done.
        learned_net: File with the weights that belong to the state.
        current_step: How many times ``step`` or ``multistep`` has lowered the learning rate.
        history: What the update rule remembers, in the order of the learned blobs. Files from
            before 2015 have it in four axes, the leading ones 1.
        resume: What else it takes to go on bit for bit: nested dicts and lists of numbers (integers
            of any size), strings, None and arrays. Empty in files that BVLC Caffe wrote.
    """

    iter: int = 0
    learned_net: str = ""
    current_step: int = 0
    history: list[Array] = field(default_factory=list)
    resume: dict[str, Any] = field(default_factory=dict)


def read_state(path: str | os.PathLike[str]) -> State:
    """Return the state in a file: HDF5 if its name ends in ``.h5``, else a ``SolverState``.

    Arrays of the history are views of the file, which is mapped, not read.

    Raises:
        ParseError: The file is missing, cut off or something else.
    """
    if os.fspath(path).endswith(".h5"):
        from caffe_core.proto import hdf5

        return hdf5.read_state(path)
    data = map_file(path)
    try:
        return _read(data)
    except wire.WireError as error:
        raise ParseError(f"{os.fspath(path)}: {what_it_is(data, str(error), _OTHER)}") from error


def write_state(path: str | os.PathLike[str], state: State) -> None:
    """Write a state: HDF5 if the name ends in ``.h5``, else a ``SolverState``.

    BVLC Caffe reads the file too: it skips the field that holds `State.resume`.

    Raises:
        CaffeError: The file cannot be written.
    """
    if os.fspath(path).endswith(".h5"):
        from caffe_core.proto import hdf5

        hdf5.write_state(path, state)
        return
    with atomic_write(path) as file:
        for buffer in _buffers(state):
            file.write(buffer)


def _read(data: memoryview) -> State:
    rest = bytearray()
    history: list[Array] = []
    extra: dict[str, Any] = {}
    for each in wire.fields(data, 0, len(data)):
        if each.kind != wire.LENGTH:
            rest += data[each.tag : each.end]
        elif each.number == _HISTORY:
            end = min(each.end, len(data))
            history.append(_history_blob(data, each.start, end, len(history)))
        elif each.number == _RESUME:
            wire.check_end(each, len(data))
            extra = _resume(data, each)
        else:
            rest += data[each.tag : each.end]
    head = wire.decode(caffe_pb2.SolverState, rest, 0)
    if not head.HasField("iter"):
        raise wire.WireError(0, "there is no number of iterations")
    return State(head.iter, head.learned_net, head.current_step, history, extra)


def _history_blob(data: memoryview, start: int, end: int, index: int) -> Array:
    try:
        return read_blob(data, start, end).data
    except wire.WireError as error:
        raise error.within(f"history blob {index}") from error


def _resume(data: memoryview, field: wire.Field) -> dict[str, Any]:
    try:
        return resume.decode(bytes(data[field.start : field.end]))
    except (DecodeError, ValueError, LookupError, TypeError) as error:
        raise wire.WireError(field.start, f"there is no state to resume ({error})") from error


def _buffers(state: State) -> Iterator[Any]:
    """Yield the serialised state piece by piece, its fields in ascending order."""
    yield caffe_pb2.SolverState(iter=state.iter, learned_net=state.learned_net).SerializeToString()
    for array in state.history:
        buffers = blob_buffers(array)
        yield from (wire.prefix(_HISTORY, sum(map(len, buffers))), *buffers)
    yield caffe_pb2.SolverState(current_step=state.current_step).SerializeToString()
    if state.resume:
        content = resume.encode(state.resume)
        yield from (wire.prefix(_RESUME, len(content)), content)
