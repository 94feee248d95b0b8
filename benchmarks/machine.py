"""The machine and the versions that figures belong to. Without them they mean nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from caffe_core.cuda import cupy
from caffe_core.device import device as find_device

_DISTRIBUTIONS = (
    "caffe-core",
    "numpy",
    "onednn-cpu-gomp",
    "cupy-cuda12x",
    "cupy-cuda13x",
    "nvidia-cudnn-frontend",
    "nvidia-cudnn-cu12",
    "nvidia-cudnn-cu13",
    "torch",
    "onnxruntime",
    "openvino",
    "opencv-python-headless",
)
_INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")


def description() -> dict[str, object]:
    """Return what is known of the machine, now."""
    return {
        "processor": _field("model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "instructions": [each for each in _INSTRUCTIONS if each in _field("flags").split()],
        "memory": _memory(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "commit": _commit(),
        "versions": {name: found for name in _DISTRIBUTIONS if (found := _version(name))},
    }


def gpu(device: str) -> dict[str, object]:
    """Return what is known of the GPU on which tasks run, nothing if that is none."""
    if device == "cpu":
        return {}
    found = cupy().cuda.runtime.getDeviceProperties(find_device(device).index)
    return {"gpu": found["name"].decode()}


def in_a_line(machine: dict[str, object]) -> str:
    """Return what a reader of a table should know."""
    gpu = f"{machine['gpu']} in " if "gpu" in machine else ""
    return (
        f"{gpu}{machine['processor']}, {machine['cores']} cores, {machine['memory']}; "
        f"load {machine['load']} before"
    )


def _field(name: str) -> str:
    """The first value of a field of /proc/cpuinfo."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown memory"
    return f"{total / 2**30:.0f} GB"


def _commit() -> str | None:
    """What was measured, with ``-dirty`` if it is in no commit."""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
