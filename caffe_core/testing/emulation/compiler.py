"""Compiling CUDA C for the CPU, by g++."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from caffe_core.cuda.source import Signature, Source
from caffe_core.errors import DeviceError

_REALS: dict[str, np.dtype[Any]] = {"float": np.dtype(np.float32), "double": np.dtype(np.float64)}
_OPTIONS = (
    "-std=c++17",
    "-O1",
    "-fPIC",
    "-shared",
    "-w",
    "-fno-strict-aliasing",
    "-U_FORTIFY_SOURCE",
)


def compiler() -> str | None:
    """Return the path of g++; None where there is none."""
    return shutil.which("g++")


@functools.cache
def compiled(source: Source) -> ctypes.PyDLL:
    """Return a library with the functions of `source`, for both element types.

    Raises:
        DeviceError: There is no g++, or it refuses the source.
    """
    code = "".join(_host_code(source))
    digest = hashlib.sha256("\n".join((*_OPTIONS, code)).encode()).hexdigest()
    path = _cache() / f"{digest[:32]}.so"
    if not path.exists():
        _compile(source.name, code, path)
    return ctypes.PyDLL(str(path))  # the interpreter's lock lets one thread in at a time


def entry(source: Source, name: str, real: np.dtype[Any]) -> Any:
    """Return a function of the compiled `source`.

    It is called ``(arguments, blocks, threads, backwards) -> bool``.
    """
    kind = next(kind for kind, dtype in _REALS.items() if dtype == real)
    function = compiled(source)[f"{name}_{kind}"]
    function.restype = ctypes.c_bool
    return function


def _host_code(source: Source) -> Iterator[str]:
    yield Path(__file__).with_name("shim.h").read_text(encoding="utf-8")
    for kind, real in _REALS.items():
        rendered = source.rendered(real).replace('extern "C"', "")
        yield f"namespace {kind}_ {{\nusing namespace cuda;\n{rendered}\n"
        for signature in source.functions.values():
            yield _entry_code(signature, kind)
        yield "}\n"


def _entry_code(signature: Signature, kind: str) -> str:
    """A function by which ctypes can launch one: it takes the address of each argument."""
    values = []
    for index, parameter in enumerate(signature.parameters):
        declared = kind if parameter.type == "Real" else parameter.type
        declared += "*" if parameter.pointer else ""
        values.append(f"*({declared}*)at[{index}]")
    name = signature.name
    return (
        f"static void {name}_{kind}_body(void** at) {{ {name}({', '.join(values)}); }}\n"
        f'extern "C" bool {name}_{kind}(void** at, unsigned blocks, unsigned threads, bool back) '
        f"{{ return emulation::launch({name}_{kind}_body, at, blocks, threads, back); }}\n"
    )


def _cache() -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    try:
        (root / "caffe" / "emulation").mkdir(parents=True, exist_ok=True)
        return root / "caffe" / "emulation"
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"caffe-emulation-{os.getuid()}"
        folder.mkdir(exist_ok=True)
        return folder


def _compile(name: str, code: str, path: Path) -> None:
    program = compiler()
    if program is None:
        raise DeviceError("CUDA C is emulated by way of g++, which is not installed")
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / path.name
        command = [program, *_OPTIONS, "-x", "c++", "-", "-o", str(made), "-lm"]
        done = subprocess.run(command, input=code, capture_output=True, text=True)
        if done.returncode:
            raise DeviceError(f"{name} does not compile by g++:\n{done.stderr}")
        made.replace(path)
