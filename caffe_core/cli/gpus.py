"""What ``-gpu`` means."""

from __future__ import annotations

import logging

from caffe_core.errors import DeviceError

log = logging.getLogger("caffe")


def gpu_ids(flag: str) -> list[int]:
    """Return the GPUs that a ``-gpu`` flag names; none for ``""`` and ``"-1"``.

    Args:
        flag: Numbers separated by commas, or ``all``.

    Raises:
        DeviceError: It names none, or something else.
    """
    if flag in ("", "-1"):
        return []
    if flag == "all":
        from caffe_core.cuda import cupy, device_count, why_none

        cupy()
        found = device_count()
        if not found:
            raise DeviceError(
                f"-gpu all: no CUDA device was found; {why_none()}. Leave -gpu out to use the CPU"
            )
        return list(range(found))
    if not all(part.strip().isdigit() for part in flag.split(",")):
        raise DeviceError(f"-gpu {flag}: expected numbers such as 0 or 0,1, or all")
    return [int(part) for part in flag.split(",")]


def gpu_name(index: int) -> str:
    """Return what the driver calls GPU `index`."""
    from caffe_core.cuda import cupy

    name: bytes = cupy().cuda.runtime.getDeviceProperties(index)["name"]
    return name.decode()


def one_device(flag: str) -> str:
    """Return the name of the device for a command that uses one, and log which it is.

    Raises:
        DeviceError: The GPU that was asked for cannot be used.
    """
    ids = gpu_ids(flag)
    for index in reversed(ids[1:]):
        log.info("Not using GPU #%d for single-GPU function", index)
    if not ids:
        log.info("Use CPU.")
        return "cpu"
    check(ids[0])
    log.info("Use GPU with device ID %d", ids[0])
    log.info("GPU device name: %s", gpu_name(ids[0]))
    return f"cuda:{ids[0]}"


def check(index: int) -> None:
    """Raise a `DeviceError` unless GPU `index` can be used."""
    from caffe_core.device import device

    device(f"cuda:{index}")
