"""Source: CUDA C that a kernel brings along, and what its functions take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from caffe_core.errors import DeviceError, did_you_mean

_TYPES = {
    "bool": np.dtype(bool),
    "char": np.dtype(np.int8),
    "double": np.dtype(np.float64),
    "float": np.dtype(np.float32),
    "int": np.dtype(np.int32),
    "long long": np.dtype(np.int64),
    "unsigned": np.dtype(np.uint32),
    "unsigned char": np.dtype(np.uint8),
    "unsigned int": np.dtype(np.uint32),
    "unsigned long long": np.dtype(np.uint64),
}
_REAL = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}
_DECLARATION = re.compile(r"^KERNEL\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\(([^)]*)\)", re.M)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a function in CUDA C.

    Attributes:
        name: Its name.
        type: What it is, or points to: ``Real``, ``int``, ..., or a struct of ints.
        pointer: Whether it is the address of an array.
    """

    name: str
    type: str
    pointer: bool

    def dtype(self, real: np.dtype[Any]) -> np.dtype[Any]:
        """Return the element type where ``Real`` is `real`."""
        return real if self.type == "Real" else _TYPES.get(self.type, _TYPES["int"])


@dataclass(frozen=True)
class Signature:
    """A function that can be launched.

    Attributes:
        name: Its name.
        parameters: What it takes; the first is ``int n``.
    """

    name: str
    parameters: tuple[Parameter, ...]


class Source:
    """CUDA C, compiled when a function of it is first asked for, once for each element type.

    It is compiled behind ``caffe.cuh``, which explains ``KERNEL``, ``Real``, ``FOR_EACH`` and the
    rest. Each function that is to be launched is declared ``KERNEL name(int n, ...)`` at the start
    of a line; ``n`` is how many threads, warps or blocks have work. A struct of ints, such as a
    geometry, is passed as ``const Struct*`` and given as an array of int32.

    Args:
        name: What compilers call it in messages.
        text: The code; a list of files is read when the code is first needed.
    """

    def __init__(self, name: str, text: str | Sequence[Path]):
        self.name = name
        self._text = text

    @classmethod
    def beside(cls, module: str, *names: str) -> Source:
        """Return the files `names` in the folder of a module, whose ``__file__`` is given."""
        folder = Path(module).parent
        return cls(f"{folder.name}/{names[0]}", [folder / name for name in names])

    def __repr__(self) -> str:
        return f"<Source {self.name}>"

    @cached_property
    def text(self) -> str:
        """The code as it was written."""
        if isinstance(self._text, str):
            return self._text
        return "\n".join(path.read_text(encoding="utf-8") for path in self._text)

    @cached_property
    def functions(self) -> dict[str, Signature]:
        """What can be launched, by name.

        Raises:
            DeviceError: A declaration cannot be understood.
        """
        found = {}
        for name, parameters in _DECLARATION.findall(_COMMENT.sub("", self.text)):
            parsed = tuple(self._parse(name, each) for each in parameters.split(","))
            if parsed[0] != Parameter("n", "int", False):
                raise DeviceError(f"{self.name}: the first parameter of {name} must be `int n`")
            found[name] = Signature(name, parsed)
        return found

    def signature(self, name: str) -> Signature:
        """Return what the function `name` takes.

        Raises:
            DeviceError: There is no such function.
        """
        if name not in self.functions:
            known = self.functions
            raise DeviceError(f"{self.name} has no KERNEL {name}.{did_you_mean(name, known)}")
        return self.functions[name]

    def rendered(self, real: np.dtype[Any]) -> str:
        """Return what is compiled where ``Real`` is `real`: float32 or float64."""
        head = f"typedef {_REAL[real]} Real;\n"
        return f'{head}#line 1 "caffe.cuh"\n{_header()}\n#line 1 "{self.name}"\n{self.text}\n'

    def _parse(self, function: str, declared: str) -> Parameter:
        pointer = "*" in declared
        *words, name = declared.replace("*", " ").split()
        kind = " ".join(word for word in words if word not in ("const", "__restrict__"))
        is_struct = pointer and re.search(rf"\bstruct {kind}\b", self.text)
        if kind != "Real" and kind not in _TYPES and not is_struct:
            raise DeviceError(
                f"{self.name}: {function} takes {declared.strip()!r}; expected Real or one of "
                f"{', '.join(_TYPES)}, or a pointer to one of these or to a struct of ints"
            )
        return Parameter(name, kind, pointer)


def elementwise(name: str, **functions: tuple[str, str]) -> Source:
    """Return a source of functions that run a statement for each ``i`` below ``n``.

    Args:
        name: What compilers call it in messages.
        functions: For each function its parameters after ``int n``, and the statement.
    """
    return Source(
        name,
        "\n".join(
            f"KERNEL {function}(int n, {parameters}) {{\n    FOR_EACH(i, n) {{ {code} }}\n}}\n"
            for function, (parameters, code) in functions.items()
        ),
    )


def _header() -> str:
    return Path(__file__).with_name("caffe.cuh").read_text(encoding="utf-8")
