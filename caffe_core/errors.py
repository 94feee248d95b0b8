"""Caffe's exceptions: each says where, what was expected, what was found and what to do.

All derive from `RuntimeError`, which pycaffe raised where BVLC Caffe did not abort.
"""

from __future__ import annotations

from collections.abc import Iterable


class CaffeError(RuntimeError):
    """Anything that Caffe itself finds wrong."""


class PluginError(CaffeError):
    """A plugin is missing, ambiguous or broken."""


class ParseError(CaffeError):
    """A prototxt or binary file cannot be read. The message names file, line and column."""


class NetError(CaffeError):
    """A net cannot be built from its definition, or weights do not fit it."""


class LayerError(CaffeError):
    """A layer refuses its parameters, bottoms or data. The message begins with ``name (Type):``."""


class DataError(CaffeError):
    """A data source is missing, empty, truncated or holds a record that cannot be used."""


class DeviceError(CaffeError):
    """A device is missing, out of memory, or lacks a kernel."""


class OutOfMemoryError(DeviceError):
    """A device has too little memory.

    Attributes:
        size: Bytes asked for.
    """

    def __init__(self, message: str, size: int):
        super().__init__(message)
        self.size = size


class SolverError(CaffeError):
    """A solver definition or state cannot be used."""


class NonFiniteError(CaffeError):
    """The loss became NaN or infinite during training."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'a' or 'b'?"`` for the names nearest to `name`, or an empty string.

    Matching ignores case. The result starts with a space, so that it can end any sentence.
    """
    import difflib

    folded = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=3)
    return f" Did you mean {' or '.join(repr(folded[each]) for each in close)}?" if close else ""
