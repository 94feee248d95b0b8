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

    from caffe.mode import set_device, set_mode_cpu, set_mode_gpu
    from caffe.net import Net
    from caffe.solver import Solver, get_solver
    from caffe_core.random_seed import set_random_seed

TRAIN = 0
TEST = 1

_HOME = {
    "Layer": ("caffe_layer_python", "PythonLayer"),
    "Net": ("caffe.net", "Net"),
    "Solver": ("caffe.solver", "Solver"),
    "get_solver": ("caffe.solver", "get_solver"),
    "set_device": ("caffe.mode", "set_device"),
    "set_mode_cpu": ("caffe.mode", "set_mode_cpu"),
    "set_mode_gpu": ("caffe.mode", "set_mode_gpu"),
    "set_random_seed": ("caffe_core.random_seed", "set_random_seed"),
}

__all__ = [
    "TEST",
    "TRAIN",
    "Layer",
    "Net",
    "Solver",
    "__version__",
    "get_solver",
    "layer_type_list",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_random_seed",
]


def layer_type_list() -> list[str]:
    """Return the names of all installed layer types, sorted. Imports none of them."""
    from caffe_core.registry import layers

    return layers.names()


def __getattr__(name: str) -> Any:
    if name in _HOME:
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

    return sorted({*globals(), *_HOME, *(f"{each}Solver" for each in solvers)})


def _solver_class(name: str) -> Any:
    """Return the class for a solver type, named as in ``SGDSolver``."""
    from caffe.solver import solver_class
    from caffe_core.errors import PluginError

    try:
        return solver_class(name.removesuffix("Solver"))
    except PluginError as error:
        raise AttributeError(f"module 'caffe' has no attribute {name!r}: {error}") from error
