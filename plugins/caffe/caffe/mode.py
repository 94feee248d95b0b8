"""Where nets that are built from now on run, and what solvers that work together know of it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from caffe_core.errors import DeviceError

log = logging.getLogger("caffe")


@dataclass
class _Process:
    """What holds for the whole process."""

    gpu: bool = False
    index: int = 0
    solver_count: int = 1
    solver_rank: int = 0
    multiprocess: bool = False


_process = _Process()
_device: ContextVar[str | None] = ContextVar("caffe_device", default=None)


def set_mode_cpu() -> None:
    """Build nets on the CPU, which is where they are built if nothing is said."""
    _process.gpu = False


def set_mode_gpu() -> None:
    """Build nets on the GPU that `set_device` named, or on the first one."""
    _process.gpu = True


def set_device(index: int) -> None:
    """Choose the GPU of `set_mode_gpu`, counted from 0.

    Raises:
        DeviceError: The number is negative. A GPU that is not there is told when a net is built.
    """
    if index < 0:
        raise DeviceError(f"GPU {index}: expected 0 or more")
    _process.index = index


@contextlib.contextmanager
def device(name: str) -> Iterator[None]:
    """Build the nets and solvers of a ``with`` block on a device: ``cpu``, ``cuda:0``.

    It holds for this thread alone, and goes before `set_mode_cpu` and `set_mode_gpu`.

    Raises:
        DeviceError: There is no such device.
    """
    from caffe_core.device import device as find

    find(name)
    token = _device.set(name)
    try:
        yield
    finally:
        _device.reset(token)


def device_name() -> str:
    """Return the chosen device as `caffe_core.device` spells it."""
    return _device.get() or (f"cuda:{_process.index}" if _process.gpu else "cpu")


def has_nccl() -> bool:
    """Return whether gradients can be exchanged through NCCL: no."""
    return False


class NCCL:
    """Exchanges gradients between GPUs in pycaffe; here the hook ``on_gradients_ready`` does.

    Raises:
        DeviceError: Always.
    """

    def __init__(self, *_: object):
        raise DeviceError(
            "NCCL is not supported: `caffe.has_nccl()` is False. Plugins exchange gradients with "
            "the hook on_gradients_ready; see docs/hooks.md"
        )

    @staticmethod
    def new_uid() -> str:
        """Raise what the class does."""
        raise DeviceError("NCCL is not supported: `caffe.has_nccl()` is False")


def solver_count() -> int:
    """Return how many solvers train together, as `set_solver_count` said."""
    return _process.solver_count


def set_solver_count(count: int) -> None:
    """Say how many solvers train together; Python layers may ask."""
    _process.solver_count = count


def solver_rank() -> int:
    """Return which of the solvers this is, as `set_solver_rank` said."""
    return _process.solver_rank


def set_solver_rank(rank: int) -> None:
    """Say which of the solvers this is."""
    _process.solver_rank = rank


def set_multiprocess(value: bool) -> None:
    """Say whether each solver has a process of its own."""
    _process.multiprocess = value


def multiprocess() -> bool:
    """Return whether each solver has a process of its own, as `set_multiprocess` said."""
    return _process.multiprocess
