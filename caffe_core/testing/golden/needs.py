"""What a golden case needs to be installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

from caffe_core import registry
from caffe_core.device import CPU, Device
from caffe_core.graph import Graph, Options
from caffe_core.layer import Phase
from caffe_core.passes.filter import filter_layers
from caffe_core.passes.kernels import engines_for
from caffe_core.proto.files import load_net, load_solver
from caffe_core.testing.golden.case import GoldenCase


def missing(case: GoldenCase, device: Device = CPU) -> str | None:
    """Return what is missing to run a case on a device; None if nothing is."""
    return next(_missing(case, device), None)


def layers_of(case: GoldenCase) -> Any:
    """Return the layer messages of a case's net that its phase, level and stages leave in."""
    phase = Phase[case.text("phase")] if "phase" in case.arrays else Phase.TRAIN
    options = Options(phase, case.number("level"), tuple(case.names("stages")))
    graph = Graph(load_net(case.prototxt), options)
    filter_layers(graph)
    return graph.param.layer


def _missing(case: GoldenCase, device: Device) -> Iterator[str]:
    if case.kind == "net" and not case.number("run", 1):
        return
    if _uses_hdf5(case) and importlib.util.find_spec("h5py") is None:
        yield "h5py is not installed"
    if case.kind == "solver":
        solver_type = load_solver(case.text("solver")).type
        if solver_type not in registry.solvers:
            yield f"solver type {solver_type!r} is not installed"
    for layer in layers_of(case):
        yield from _missing_of_layer(layer, device)


def _missing_of_layer(layer: Any, device: Device) -> Iterator[str]:
    if layer.type not in registry.layers:
        yield f"layer type {layer.type!r} is not installed"
        return
    host_only = registry.layers[layer.type].facts.host_only
    if not host_only and not engines_for(layer.type, device):
        yield f"layer type {layer.type!r} has no {device.kind} kernel"
    if layer.type == "Data":
        field = layer.data_param.DESCRIPTOR.fields_by_name["backend"]
        backend = field.enum_type.values_by_number[layer.data_param.backend].name
        if backend not in registry.sources:
            yield f"data source {backend!r} is not installed"


def _uses_hdf5(case: GoldenCase) -> bool:
    return bool(case.each("h5")) or any(f.endswith(".h5") for f in case.names("snapshot_files"))
