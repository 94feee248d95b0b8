"""``caffe device_query``: what this machine has to compute with."""

from __future__ import annotations

import argparse
import logging
import os
import platform
from pathlib import Path
from typing import Any

from caffe_core.cli import flags
from caffe_core.cli.gpus import gpu_ids

help = "show diagnostic information about GPUs and the CPU"

log = logging.getLogger("caffe")

_ATTRIBUTES = {"clockRate": 13, "deviceOverlap": 15, "kernelExecTimeoutEnabled": 17}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_gpu(parser)


def run(args: argparse.Namespace) -> int:
    """Log the figures of the GPUs asked for, and of the CPU."""
    if args.gpu:
        log.info("Querying GPUs %s", args.gpu)
        _log_gpus(gpu_ids(args.gpu))
    else:
        _log_gpu_count()
    _log(_cpu())
    return 0


def _log_gpu_count() -> None:
    from caffe_core.cuda import cupy, device_count
    from caffe_core.errors import DeviceError

    try:
        cupy()
    except DeviceError as error:
        log.info("No GPU can be used: %s", error)
        return
    log.info("%d GPUs can be used; `-gpu all` shows their figures", device_count())


def _log_gpus(ids: list[int]) -> None:
    from caffe_core.cuda import cupy
    from caffe_core.device import device

    for index in ids:
        device(f"cuda:{index}")
        runtime = cupy().cuda.runtime
        _log(_gpu(index, _attributes(runtime, index) | runtime.getDeviceProperties(index)))


def _attributes(runtime: Any, index: int) -> dict[str, int]:
    """The figures that CUDA 13 has left out of the properties."""
    return {name: runtime.deviceGetAttribute(key, index) for name, key in _ATTRIBUTES.items()}


def _log(figures: dict[str, Any]) -> None:
    for name, value in figures.items():
        log.info("%-30s %s", f"{name}:", value)


def _gpu(index: int, found: dict[str, Any]) -> dict[str, Any]:
    """The figures that Caffe shows, from the CUDA runtime's properties."""
    return {
        "Device id": index,
        "Major revision number": found["major"],
        "Minor revision number": found["minor"],
        "Name": found["name"].decode(),
        "Total global memory": found["totalGlobalMem"],
        "Total shared memory per block": found["sharedMemPerBlock"],
        "Total registers per block": found["regsPerBlock"],
        "Warp size": found["warpSize"],
        "Maximum memory pitch": found["memPitch"],
        "Maximum threads per block": found["maxThreadsPerBlock"],
        "Maximum dimension of block": ", ".join(map(str, found["maxThreadsDim"])),
        "Maximum dimension of grid": ", ".join(map(str, found["maxGridSize"])),
        "Clock rate": found["clockRate"],
        "Total constant memory": found["totalConstMem"],
        "Texture alignment": found["textureAlignment"],
        "Concurrent copy and execution": _yes_no(found["deviceOverlap"]),
        "Number of multiprocessors": found["multiProcessorCount"],
        "Kernel execution timeout": _yes_no(found["kernelExecTimeoutEnabled"]),
    }


def _yes_no(value: int) -> str:
    return "Yes" if value else "No"


def _cpu() -> dict[str, Any]:
    return {
        "CPU": _cpu_name(),
        "Cores": os.cpu_count(),
        "Cores this process may use": _usable_cores(),
        "BLAS": _blas(),
        "BLAS threads": _blas_threads(),
    }


def _cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _usable_cores() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _blas() -> str:
    import numpy as np

    found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{found['name']} {found['version']} (NumPy {np.__version__})"


def _blas_threads() -> str:
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        if name in os.environ:
            return f"{os.environ[name]} ({name})"
    return f"{_usable_cores()} (one a core; OPENBLAS_NUM_THREADS would set it)"
