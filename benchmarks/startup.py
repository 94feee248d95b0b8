"""How long it takes to start: the command line, and imports, ours and those of peers."""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
from time import perf_counter

PYTHON = "python, doing nothing"
_COMMANDS = {
    PYTHON: ["-c", "pass"],
    "caffe --help": ["-m", "caffe_core.cli", "--help"],
    "caffe plugins": ["-m", "caffe_core.cli", "plugins"],
}
_MODULES = ("numpy", "caffe", "torch", "onnxruntime", "openvino", "cv2")


def measure(rounds: int) -> dict[str, float]:
    """Return the median seconds of each start, in a process of its own; they take turns."""
    installed = [name for name in _MODULES if importlib.util.find_spec(name)]
    commands = _COMMANDS | {f"import {name}": ["-c", f"import {name}"] for name in installed}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds + 1):
        for name, arguments in commands.items():
            times[name].append(_start(arguments))
    return {name: statistics.median(found[1:]) for name, found in times.items()}


def _start(arguments: list[str]) -> float:
    start = perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start
