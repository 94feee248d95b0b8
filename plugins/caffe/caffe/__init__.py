"""pycaffe: Caffe from Python.

    import caffe

    caffe.set_mode_cpu()
    net = caffe.Net("lenet.prototxt", "lenet_iter_10000.caffemodel", caffe.TEST)
    net.blobs["data"].data[...] = images
    prob = net.forward()["prob"]

    solver = caffe.get_solver("lenet_solver.prototxt")
    solver.step(100)

For each installed solver type there is a class: ``caffe.SGDSolver`` for ``SGD``. Importing this
package is free: each public name is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from caffe_core import __version__

if TYPE_CHECKING:
    from caffe_layer_python import PythonLayer as Layer

    from caffe import coord_map, draw, io, net_spec
    from caffe.classifier import Classifier
    from caffe.detector import Detector
    from caffe.logs import init_log, log
    from caffe.mode import (
        NCCL,
        device,
        has_nccl,
        multiprocess,
        set_device,
        set_mode_cpu,
        set_mode_gpu,
        set_multiprocess,
        set_solver_count,
        set_solver_rank,
        solver_count,
        solver_rank,
    )
    from caffe.net import Net
    from caffe.net_spec import NetSpec, layers, params, to_proto
    from caffe.solver import Solver, get_solver
    from caffe.timer import Timer
    from caffe_core.random_seed import set_random_seed

TRAIN = 0
TEST = 1

_MODULES = ("coord_map", "draw", "io", "net_spec")
_MORE_MODULES = ("_caffe", "classifier", "detector", "proto", "pycaffe")  # that scripts reach too
_NAMES = {
    "caffe.classifier": ("Classifier",),
    "caffe.detector": ("Detector",),
    "caffe.logs": ("init_log", "log"),
    "caffe.mode": (
        "NCCL",
        "device",
        "has_nccl",
        "multiprocess",
        "set_device",
        "set_mode_cpu",
        "set_mode_gpu",
        "set_multiprocess",
        "set_solver_count",
        "set_solver_rank",
        "solver_count",
        "solver_rank",
    ),
    "caffe.net": ("Net",),
    "caffe.net_spec": ("NetSpec", "layers", "params", "to_proto"),
    "caffe.solver": ("Solver", "get_solver"),
    "caffe.timer": ("Timer",),
    "caffe_core.random_seed": ("set_random_seed",),
}
_HOME = {name: (module, name) for module, names in _NAMES.items() for name in names}
_HOME["Layer"] = ("caffe_layer_python", "PythonLayer")

__all__ = [
    "NCCL",
    "TEST",
    "TRAIN",
    "Classifier",
    "Detector",
    "Layer",
    "Net",
    "NetSpec",
    "Solver",
    "Timer",
    "__version__",
    "coord_map",
    "device",
    "draw",
    "get_solver",
    "has_nccl",
    "init_log",
    "io",
    "layer_type_list",
    "layers",
    "log",
    "multiprocess",
    "net_spec",
    "params",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_random_seed",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
    "to_proto",
]


def layer_type_list() -> list[str]:
    """Return the names of all installed layer types, sorted. Imports none of them."""
    from caffe_core.registry import layers

    return layers.names()


def __getattr__(name: str) -> Any:
    if name in (*_MODULES, *_MORE_MODULES):
        value = importlib.import_module(f"caffe.{name}")
    elif name in _HOME:
        module, attribute = _HOME[name]
        value = getattr(importlib.import_module(module), attribute)
    elif name.endswith("Solver"):
        value = _solver_class(name)
    else:
        raise AttributeError(f"module 'caffe' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    from caffe_core.registry import solvers

    return sorted({*globals(), *_MODULES, *_HOME, *(f"{each}Solver" for each in solvers)})


def _solver_class(name: str) -> Any:
    """Return the class for a solver type, named as in ``SGDSolver``."""
    from caffe.solver import solver_class
    from caffe_core.errors import PluginError

    try:
        return solver_class(name.removesuffix("Solver"))
    except PluginError as error:
        raise AttributeError(f"module 'caffe' has no attribute {name!r}: {error}") from error
