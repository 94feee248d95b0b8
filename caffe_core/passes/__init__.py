"""The passes that turn a definition into a net, in order. Each is one function over a `Graph`."""

from __future__ import annotations

from caffe_core import registry
from caffe_core.errors import CaffeError, did_you_mean
from caffe_core.graph import Graph
from caffe_core.passes.backward import find_backward
from caffe_core.passes.filter import filter_layers
from caffe_core.passes.formats import choose_formats
from caffe_core.passes.kernels import choose_kernels
from caffe_core.passes.parameters import gather_parameters
from caffe_core.passes.setup import set_up_layers
from caffe_core.passes.splits import insert_splits

REQUIRED = {
    "filter": filter_layers,
    "splits": insert_splits,
    "setup": set_up_layers,
    "parameters": gather_parameters,
    "backward": find_backward,
    "kernels": choose_kernels,
    "formats": choose_formats,
}


def run_passes(graph: Graph) -> None:
    """Run every required pass, then the optional ones, in the order of their names.

    A pass is a function that changes the graph and returns a line for each thing it did; the lines
    are kept in ``graph.notes``.

    Raises:
        CaffeError: ``options.passes`` names a pass that is not installed.
    """
    for name, apply in REQUIRED.items():
        graph.notes[name] = apply(graph)
    for name in _optional(graph):
        graph.notes[name] = registry.passes[name](graph)


def _optional(graph: Graph) -> list[str]:
    installed = registry.passes.names()
    if graph.options.passes is None:
        return installed
    for name in graph.options.passes:
        if name not in installed:
            known = ", ".join(installed) or "none"
            raise CaffeError(
                f"no optional pass {name!r} is installed (there are: {known})."
                f"{did_you_mean(name, installed)}"
            )
    return list(graph.options.passes)
