"""Where nets that are built from now on run."""

from __future__ import annotations

_gpu = False
_index = 0


def set_mode_cpu() -> None:
    """Build nets on the CPU, which is where they are built if nothing is said."""
    global _gpu
    _gpu = False


def set_mode_gpu() -> None:
    """Build nets on the GPU that `set_device` named, or on the first one."""
    global _gpu
    _gpu = True


def set_device(index: int) -> None:
    """Choose the GPU of `set_mode_gpu`."""
    global _index
    _index = index


def device_name() -> str:
    """Return the chosen device as `caffe_core.device` spells it."""
    return f"cuda:{_index}" if _gpu else "cpu"
