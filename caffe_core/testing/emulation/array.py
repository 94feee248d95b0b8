"""DeviceArray and Surface: arrays of the emulated device, and what CuPy does with them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from caffe_core.errors import DeviceError

FUNCTIONS = {
    "arange": ("start", "stop", "step", "dtype"),
    "array": ("dtype", "copy", "order", "ndmin"),
    "dot": ("a", "b", "out"),
    "empty": ("shape", "dtype", "order"),
    "empty_like": ("prototype", "dtype", "order", "shape"),
    "flatnonzero": ("a",),
    "ones": ("shape", "dtype", "order"),
    "zeros": ("shape", "dtype", "order"),
}  # names and arguments that CuPy has too
_UFUNCS = """
    abs absolute add divide equal exp exp2 expm1 fabs floor greater greater_equal less less_equal
    log log1p log2 matmul maximum minimum multiply negative not_equal power reciprocal rint sign
    sqrt square subtract tanh true_divide trunc
"""
UFUNCS = frozenset(_UFUNCS.split())
_OPTIONS = {
    "__call__": frozenset({"out", "dtype", "casting"}),
    "reduce": frozenset({"axis", "dtype", "out", "keepdims"}),
}
_JUNK = {"b": True, "i": -77}  # what is in memory that nobody has written to; floats are NaN
_nested = [0]  # how many contexts of `active` there are, one within the other


@contextmanager
def active() -> Iterator[None]:
    """Let arrays be worked on, as a GPU's are in its stream."""
    _nested[0] += 1
    try:
        yield
    finally:
        _nested[0] -= 1


def expect_active(what: str) -> None:
    """Raise an error where a GPU would do the work in another stream, that is, at any time."""
    if not _nested[0]:
        raise DeviceError(f"{what} is asked for outside of the device's `active`")


class DeviceArray(np.ndarray):
    """An array that is taken for one of a GPU: it does what CuPy's arrays do, and no more.

    It does not mix with arrays of the host, functions of NumPy do not take it, and what is picked
    out of it or summed up stays an array, if one without axes.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        name = ufunc.__name__
        expect_active(name)
        known = _OPTIONS.get(method, frozenset())
        if options.get("where") is True:  # as NumPy's own methods say
            del options["where"]
        elif method == "reduce" and name not in ("add", "multiply"):
            known = frozenset()
        if name not in UFUNCS or not known or not options.keys() <= known:
            given = ", ".join(f"{option}=" for option in options)
            raise TypeError(f"not known of CuPy: {name} by {method} with {given or 'no options'}")
        outputs = options.get("out", ())
        for each in (*inputs, *outputs):
            _refuse_host(name, each)
        options |= {"out": tuple(map(bare, outputs))} if outputs else {}
        result = getattr(ufunc, method)(*map(bare, inputs), **options)
        return outputs[0] if outputs else on_device(result)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        raise TypeError(f"np.{function.__name__} takes no arrays of a GPU; ask `xp` for it")

    def get(self) -> np.ndarray:
        """Return a copy on the host."""
        return np.array(bare(self))

    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(_kept_array(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        expect_active("an assignment")
        _refuse_host("assignment", value)
        super().__setitem__(_kept_array(index), bare(value))


class Surface(ModuleType):
    """What of NumPy the emulated device offers: what CuPy has, with the arguments CuPy takes.

    A name that is missing may be one that CuPy lacks. If CuPy 13 and 14 have it, add it.
    """

    def __getattr__(self, name: str) -> Any:
        if name in UFUNCS:
            return getattr(np, name)
        if name in FUNCTIONS:
            return _function(name)
        raise AttributeError(f"xp.{name} is not known of CuPy; see {__name__}")


def bare(value: Any) -> Any:
    """Return the array as NumPy's own, what is none as it is."""
    return value.view(np.ndarray) if isinstance(value, DeviceArray) else value


def on_device(array: Any) -> Any:
    """Return the array, or the number, as one of the device."""
    return np.asarray(array).view(DeviceArray)


@functools.cache
def _function(name: str) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        expect_active(name)
        unknown = options.keys() - set(FUNCTIONS[name])
        if unknown:
            raise TypeError(f"not known of CuPy: {name} with {', '.join(sorted(unknown))}")
        if name not in ("array", "empty_like"):
            for each in (*arguments, *options.values()):
                _refuse_host(name, each)
        options = {key: bare(value) for key, value in options.items()}
        array = getattr(np, name)(*map(bare, arguments), **options)
        if name.startswith("empty"):
            array.fill(np.nan if array.dtype.kind == "f" else _JUNK.get(array.dtype.kind, 0))
        return on_device(array)

    return call


def _refuse_host(name: str, value: Any) -> None:
    if isinstance(value, np.ndarray) and not isinstance(value, DeviceArray):
        raise TypeError(f"{name}: an array of the host, of shape {value.shape}, beside a GPU's")


def _kept_array(index: Any) -> Any:
    """An index that gives an array where NumPy would give a number."""
    parts = index if isinstance(index, tuple) else (index,)
    for part in parts:
        _refuse_host("index", part)
    parts = tuple(map(bare, parts))
    return parts if any(part is ... for part in parts) else (*parts, ...)
