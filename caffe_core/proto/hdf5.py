"""Weights and solver state in HDF5, in the layout of BVLC Caffe."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from google.protobuf.message import DecodeError

from caffe_core.errors import CaffeError, ParseError
from caffe_core.proto import caffe_pb2, resume
from caffe_core.proto.binary import map_file, what_it_is
from caffe_core.proto.files import atomic_write
from caffe_core.proto.state import State
from caffe_core.proto.stored_blob import Array, StoredBlob
from caffe_core.proto.weights import Weights

if TYPE_CHECKING:
    from caffe_core.proto.weights import Blobs

PathLike = str | os.PathLike[str]


def read_weights(path: PathLike) -> Weights:
    """Return the weights in an HDF5 file. It has no definition: `Weights.param` names the layers.

    Raises:
        ParseError: The file is missing, damaged, or not in Caffe's layout.
    """
    with _reading(path) as file:
        gradients = file.get("diff", {})
        layers = {
            name: [_stored(group.get(str(i)), gradients.get(f"{name}/{i}")) for i in range(count)]
            for name, group, count in _layers(_group(path, file, "data"))
        }
        if not layers:
            raise ValueError("there are no layers")
    param = caffe_pb2.NetParameter(layer=[{"name": name} for name in layers])
    return Weights(param, layers, owners_only=True)


def write_weights(path: PathLike, param: Any, blobs: Blobs) -> None:
    """Write weights as HDF5. Like BVLC Caffe, write shared values once, with the first layer.

    Raises:
        CaffeError: The file cannot be written.
    """
    names = [layer.name for layer in param.layer]
    owned: set[tuple[int, int]] = set()
    with _writing(path) as file:
        for name in names:
            group = file.require_group(f"data/{name}")
            for index, (data, _) in enumerate(blobs.get(name, ())):
                memory = (data.__array_interface__["data"][0], data.nbytes)
                if memory not in owned or not data.size:
                    group.create_dataset(str(index), data=_element(data))
                owned.add(memory)
        if any(diff is not None for pairs in blobs.values() for _, diff in pairs):
            for name in names:
                group = file.require_group(f"diff/{name}")
                for index, (_, diff) in enumerate(blobs.get(name, ())):
                    if diff is not None:
                        group.create_dataset(str(index), data=_element(diff))


def read_state(path: PathLike) -> State:
    """Return the solver state in an HDF5 file.

    Raises:
        ParseError: The file is missing, damaged, or not in Caffe's layout.
    """
    with _reading(path) as file:
        history = _group(path, file, "history")
        net = file["learned_net"][()] if "learned_net" in file else b""
        return State(
            iter=int(file["iter"][0]),
            learned_net=net if isinstance(net, str) else net.rstrip(b"\0").decode(),
            current_step=int(file["current_step"][0]),
            history=[history[str(index)][()] for index in range(len(history))],
            resume=resume.decode(file["resume"][()].tobytes()) if "resume" in file else {},
        )


def write_state(path: PathLike, state: State) -> None:
    """Write a solver state as HDF5.

    Raises:
        CaffeError: The file cannot be written.
    """
    with _writing(path) as file:
        file["iter"] = np.array([state.iter], np.int32)
        file["learned_net"] = np.array(state.learned_net.encode() + b"\0")  # BVLC wants the NUL
        file["current_step"] = np.array([state.current_step], np.int32)
        history = file.create_group("history")
        for index, array in enumerate(state.history):
            history[str(index)] = _element(array)
        if state.resume:
            file["resume"] = np.frombuffer(resume.encode(state.resume), np.uint8)


def _layers(data: Any) -> Iterator[tuple[str, Any, int]]:
    """Yield the name, group and number of blobs of each layer; slashes in a name nest groups."""
    h5py = _h5py()
    found: list[tuple[str, Any, int]] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Group):
            blobs = filter(str.isdecimal, item)
            stored = [int(key) for key in blobs if isinstance(item[key], h5py.Dataset)]
            if stored or not len(item):
                found.append((name, item, max(stored, default=-1) + 1))

    data.visititems(visit)
    yield from found


def _stored(data: Any, diff: Any) -> StoredBlob | None:
    if data is None:
        return None
    return StoredBlob(data.shape, data[()], None if diff is None else diff[()])


def _element(array: Array) -> Array:
    return np.asarray(array, np.float64 if array.dtype == np.float64 else np.float32)


def _group(path: PathLike, file: Any, name: str) -> Any:
    group = file.get(name)
    if not isinstance(group, _h5py().Group):
        found = ", ".join(file) or "nothing"
        raise ParseError(
            f"{os.fspath(path)}: expected an HDF5 file with the group {name!r}, found {found}"
        )
    return group


@contextlib.contextmanager
def _reading(path: PathLike) -> Iterator[Any]:
    h5py = _h5py()
    content = map_file(path)
    try:
        with h5py.File(path, "r") as file:
            yield file
    except ParseError:
        raise
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, DecodeError) as error:
        raise ParseError(f"{os.fspath(path)}: {what_it_is(content, str(error))}") from error


@contextlib.contextmanager
def _writing(path: PathLike) -> Iterator[Any]:
    h5py = _h5py()
    with atomic_write(path) as target:
        try:
            with h5py.File(target.name, "w") as file:
                yield file
        except RuntimeError as error:  # h5py's, where there is no room for what it closes with
            raise OSError(str(error)) from error


def _h5py() -> Any:
    try:
        return importlib.import_module("h5py")
    except ImportError as error:
        raise CaffeError("files that end in .h5 need h5py: pip install caffe-core[hdf5]") from error
