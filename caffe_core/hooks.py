"""Hooks: calls that any number of plugins may listen to.

A listener is a module or object whose functions carry `hookimpl` and the name of a hook; it is
found through the entry-point group ``caffe.hooks``, or registered with ``manager().register()``.
"""

from __future__ import annotations

import functools
import logging
import sys
from typing import TYPE_CHECKING, Any

import pluggy

from caffe_core import registry
from caffe_core.errors import PluginError

if TYPE_CHECKING:
    import argparse

    from caffe_core.net import Net
    from caffe_core.solver import Solver

log = logging.getLogger("caffe")
hookspec = pluggy.HookspecMarker("caffe")
hookimpl = pluggy.HookimplMarker("caffe")


@hookspec
def on_net_built(net: Net) -> None:
    """A net is complete: its passes have run and its blobs have shapes."""


@hookspec
def on_train_start(solver: Solver) -> None:
    """Training is about to begin, weights and state are loaded."""


@hookspec
def on_gradients_ready(solver: Solver) -> None:
    """Backward is done for this iteration, the update is not: gradients may be exchanged here."""


@hookspec
def on_iteration_end(solver: Solver, loss: float) -> None:
    """The parameters are updated. `loss` is that of this iteration, not smoothed."""


@hookspec
def on_test_end(solver: Solver, index: int, outputs: dict[str, Any]) -> None:
    """Test net `index` has run; `outputs` has the mean of each of its outputs."""


@hookspec
def on_snapshot(solver: Solver, model: str, state: str) -> None:
    """Weights and solver state are written to these files."""


@hookspec
def on_train_end(solver: Solver) -> None:
    """Training has ended: all iterations done, stopped by a signal, or by an error."""


@hookspec
def on_log(record: logging.LogRecord) -> None:
    """A line is logged."""


@hookspec
def on_command_line(command: str, parser: argparse.ArgumentParser) -> None:
    """The parser of a command is being made; flags may be added to it."""


@hookspec
def on_command_start(command: str, args: argparse.Namespace) -> None:
    """A command is about to run with these arguments."""


@functools.cache
def manager() -> pluggy.PluginManager:
    """Return the plugin manager, with every installed listener registered.

    A listener that does not import, or takes arguments that its hook does not have, is reported by
    a warning in the log and left out.
    """
    found = pluggy.PluginManager("caffe")
    found.add_hookspecs(sys.modules[__name__])
    for name in registry.hooks.names():
        try:
            found.register(registry.hooks[name], name)
        except PluginError as error:
            log.warning("%s; it is left out", error)
        except pluggy.PluginValidationError as error:
            found.unregister(name=name)
            problem = " ".join(str(error).split())
            log.warning("hook plugin %r cannot be registered: %s; it is left out", name, problem)
    return found
