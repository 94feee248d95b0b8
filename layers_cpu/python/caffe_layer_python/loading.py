"""Finds the class that ``python_param`` names."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from types import ModuleType

from caffe_core.errors import did_you_mean
from caffe_core.layer import Layer

METHODS = ("setup", "reshape", "forward")  # backward too, if the layer gets a gradient


def load_class(layer: Layer) -> type:
    """Return the class that the layer's ``python_param`` names.

    The module is looked for on ``sys.path``, which includes ``PYTHONPATH``, and then in the working
    directory.

    Raises:
        LayerError: There is no such module or class, or it does not import.
    """
    param = layer.param.python_param
    if not param.module or not param.layer:
        raise layer.error(
            "python_param must name a module and, as `layer`, a class in it; set both"
        )
    module = _load_module(layer, param.module)
    found = getattr(module, param.layer, None)
    if not isinstance(found, type):
        classes = [name for name, value in vars(module).items() if isinstance(value, type)]
        raise layer.error(
            f"module {param.module!r} ({getattr(module, '__file__', 'built in')}) has no class "
            f"{param.layer!r}; correct python_param.layer.{did_you_mean(param.layer, classes)}"
        )
    missing = [method for method in METHODS if not callable(getattr(found, method, None))]
    if missing:
        raise layer.error(
            f"class {param.layer!r} of module {param.module!r} has no method "
            f"{' and no '.join(missing)}; add what is missing"
        )
    return found


def _load_module(layer: Layer, name: str) -> ModuleType:
    try:
        return _import(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise layer.error(f"module {name!r} needs {error.name!r}; install it") from error
        known = [each.name for each in pkgutil.iter_modules([*sys.path, os.getcwd()])]
        raise layer.error(
            f"module {name!r} is neither on sys.path nor in {os.getcwd()}; "
            f"add its folder to PYTHONPATH.{did_you_mean(name, known)}"
        ) from error
    except Exception as error:
        kind = type(error).__name__
        raise layer.error(f"module {name!r} does not import: {kind}: {error}") from error


def _import(name: str) -> ModuleType:
    """Import a module, from the working directory if no other place has it.

    The directory then stays on the path, as a script's does, for what the module imports later.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        here = os.getcwd()
        if here in sys.path:
            raise
        sys.path.append(here)
        importlib.invalidate_caches()
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            sys.path.remove(here)
            raise
