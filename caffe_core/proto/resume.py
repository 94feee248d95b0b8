"""What a solver needs to go on bit for bit, beyond Caffe's SolverState, as bytes."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from caffe_core.proto import resume_pb2

_ARRAY = "$array"
_DTYPE = re.compile(r"[<>|][a-zA-Z]\d+(\[\w+\])?")


def encode(resume: dict[str, Any]) -> bytes:
    """Return a nested dict of JSON values and arrays as bytes. Integers may have any size."""
    state = resume_pb2.State()
    state.json = json.dumps(_take_arrays(resume, state))
    return bytes(state.SerializeToString())


def decode(content: bytes) -> dict[str, Any]:
    """Return what `encode` was given, with tuples as lists and NumPy scalars as numbers.

    Raises:
        DecodeError, ValueError: It was not made by `encode`.
    """
    state = resume_pb2.State.FromString(content)
    arrays = [_decode_array(array) for array in state.array]
    resume = json.loads(state.json)
    if not isinstance(resume, dict):
        raise ValueError(f"expected a JSON object, found {state.json[:40]}")
    return dict(_put_arrays(resume, arrays))


def _take_arrays(value: Any, state: Any) -> Any:
    """Return `value` with its arrays moved to `state`, ready for JSON."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "OV":
            raise TypeError(f"a solver's resume state cannot hold arrays of {value.dtype}")
        order = "<" if value.dtype.byteorder != "|" else "|"
        array = np.asarray(value, value.dtype.newbyteorder(order), order="C")
        state.array.add(dtype=array.dtype.str, shape=array.shape, data=array.tobytes())
        return {_ARRAY: len(state.array) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {_escape(key): _take_arrays(each, state) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_take_arrays(each, state) for each in value]
    return value


def _put_arrays(value: Any, arrays: list[Any]) -> Any:
    if isinstance(value, dict):
        if _ARRAY in value:
            return arrays[value[_ARRAY]]
        return {_unescape(key): _put_arrays(each, arrays) for key, each in value.items()}
    if isinstance(value, list):
        return [_put_arrays(each, arrays) for each in value]
    return value


def _decode_array(array: Any) -> Any:
    if not _DTYPE.fullmatch(array.dtype):  # numpy would read some of these as Python
        raise ValueError(f"no array has the type {array.dtype!r}")
    flat = np.frombuffer(bytearray(array.data), np.dtype(array.dtype))
    return flat.reshape(tuple(array.shape))


def _escape(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"keys of a solver's resume state must be text, got {key!r}")
    return f"${key}" if key.startswith("$") else key


def _unescape(key: str) -> str:
    return key[1:] if key.startswith("$") else key
