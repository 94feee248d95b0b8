"""The core of Caffe made of plugins.

Importing this package is free: each public name is imported when it is first used, so that
``caffe --help`` needs neither NumPy nor protobuf.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from caffe_core.threads import tune_blas

if TYPE_CHECKING:
    from caffe_core.blob import CHANNELS_LAST, CONTIGUOUS, Blob, MemoryFormat
    from caffe_core.device import CPU, Device, device
    from caffe_core.errors import CaffeError
    from caffe_core.kernel import Kernel
    from caffe_core.layer import Count, Facts, Layer, Phase, at_least, between, exactly
    from caffe_core.net import Net
    from caffe_core.solver import Solver
    from caffe_core.tensor import Tensor
    from caffe_core.update_rule import UpdateRule

__version__ = "1.0.0"

tune_blas()

_HOME = {
    "blob": ("CHANNELS_LAST", "CONTIGUOUS", "Blob", "MemoryFormat"),
    "device": ("CPU", "Device", "device"),
    "errors": ("CaffeError",),
    "kernel": ("Kernel",),
    "layer": ("Count", "Facts", "Layer", "Phase", "at_least", "between", "exactly"),
    "net": ("Net",),
    "solver": ("Solver",),
    "tensor": ("Tensor",),
    "update_rule": ("UpdateRule",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "CHANNELS_LAST",
    "CONTIGUOUS",
    "CPU",
    "Blob",
    "CaffeError",
    "Count",
    "Device",
    "Facts",
    "Kernel",
    "Layer",
    "MemoryFormat",
    "Net",
    "Phase",
    "Solver",
    "Tensor",
    "UpdateRule",
    "__version__",
    "at_least",
    "between",
    "device",
    "exactly",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'caffe_core' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"caffe_core.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
