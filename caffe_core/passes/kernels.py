"""The pass that chooses a kernel for each layer."""

from __future__ import annotations

import logging
import os
from typing import Any

from caffe_core import registry
from caffe_core.device import CPU, Device
from caffe_core.errors import CaffeError, DeviceError, PluginError, did_you_mean
from caffe_core.graph import Graph, Node
from caffe_core.layer import Layer

log = logging.getLogger("caffe")

PRECISIONS = ("float32", "bf16")
PLAIN = "caffe"  # the engine of kernels registered under the layer type alone


def choose_kernels(graph: Graph) -> list[str]:
    """Take, for each layer, the first kernel that does not refuse it.

    Order: the layer's ``engine`` field, then the engines of the options or of
    ``CAFFE_ENGINES_CPU`` / ``CAFFE_ENGINES_CUDA``, then every other engine, the plain one last.

    Raises:
        DeviceError: No kernel on the device takes the layer, and there is no fallback.
    """
    _check_engines(graph)
    _check_precision(graph.options.precision)
    notes = [choose_kernel(graph, node) for node in graph.nodes]
    if graph.options.precision != "float32" and not any(_is_reduced(node) for node in graph.nodes):
        log.warning("no kernel of this net computes in %s here", graph.options.precision)
    return notes


def choose_kernel(graph: Graph, node: Node) -> str:
    """Give a node the first kernel that does not refuse it; return a line for the notes.

    Raises:
        DeviceError: No kernel on the device takes the layer, and there is no fallback.
    """
    device = graph.options.device
    kernel_type = _choose(graph, node, device)
    if kernel_type is None and node.layer.facts.host_only and device is not CPU:
        device = CPU
        kernel_type = _choose(graph, node, device)
    if kernel_type is None and graph.options.fallback and device is not CPU:
        log.warning("%s has no %s kernel; it runs on the CPU", node.label, device.kind)
        device = CPU
        kernel_type = _choose(graph, node, device)
    if kernel_type is None:
        raise DeviceError(_refused(node, device))
    where = kernel_type.device_for(
        node.layer, node.bottom, node.top, device, graph.options.precision
    )
    node.kernel = kernel_type(node.layer, where, graph.workspace(device))
    node.kernel.need_backward = node.need_backward
    refusals = "".join(f"; {refusal}" for refusal in node.refusals)
    return f"{node.name}: {node.engine} on {where}{refusals}"


def _check_precision(precision: str) -> None:
    if precision not in PRECISIONS:
        raise CaffeError(f"precision is {precision!r}; expected {' or '.join(PRECISIONS)}")


def _is_reduced(node: Node) -> bool:
    """Whether a kernel's arrays hold numbers of fewer bits than the blobs' dtype."""
    assert node.kernel is not None
    dtype = node.layer.dtype
    return node.kernel.device.stored(dtype).itemsize < dtype.itemsize


def engines_for(layer_type: str, device: Device) -> dict[str, str]:
    """Return the installed engines for a layer type: engine name to registered name."""
    found = {}
    for name in registry.kernels(device.kind).names():
        base, _, engine = name.partition(".")
        if base == layer_type:
            found[engine or PLAIN] = name
    return found


def _check_engines(graph: Graph) -> None:
    """Warn of engines that were asked for and that no installed kernel has."""
    device = graph.options.device
    names = registry.kernels(device.kind).names()
    known = {PLAIN, *(name.partition(".")[2] for name in names)} - {""}
    for engine in _wanted(graph, device):
        if engine not in known:
            log.warning(
                "no %s kernel of engine %r is installed (there are: %s).%s",
                device.kind,
                engine,
                ", ".join(sorted(known)),
                did_you_mean(engine, known),
            )


def _wanted(graph: Graph, device: Device) -> tuple[str, ...]:
    """The engines of the options, or of the environment, best first."""
    if graph.options.engines is not None:
        return graph.options.engines
    listed = os.environ.get(f"CAFFE_ENGINES_{device.kind.upper()}", "")
    return tuple(engine.strip() for engine in listed.split(",") if engine.strip())


def _choose(graph: Graph, node: Node, device: Device) -> Any:
    available = engines_for(node.layer.type, device)
    for engine in _order(graph, node.layer, device, available):
        try:
            kernel_type = registry.kernels(device.kind)[available[engine]]
        except PluginError as error:
            if engine == PLAIN:
                raise
            node.refusals.append(f"{engine}: {error}")
            continue
        bottom, top = ([blob.on(device) for blob in blobs] for blobs in (node.bottom, node.top))
        reason = kernel_type.refuses(node.layer, bottom, top)
        if reason is None:
            node.engine = engine
            return kernel_type
        node.refusals.append(f"{engine} refuses: {reason}")
    return None


def _order(graph: Graph, layer: Layer, device: Device, available: dict[str, str]) -> list[str]:
    others = sorted(available, key=lambda engine: (engine == PLAIN, engine))
    order = dict.fromkeys([*_asked_for(layer), *_wanted(graph, device), *others])
    return [engine for engine in order if engine in available]


def _asked_for(layer: Layer) -> list[str]:
    """The engine that the layer's own ``engine`` field names, unless that is DEFAULT."""
    for _, message in layer.param.ListFields():
        descriptor = getattr(message, "DESCRIPTOR", None)  # numbers and lists have none
        field = descriptor.fields_by_name.get("engine") if descriptor else None
        if field is not None:
            name = field.enum_type.values_by_number[message.engine].name.lower()
            return [] if name == "default" else [name]
    return []


def _refused(node: Node, device: Device) -> str:
    if node.refusals:
        return f"{node.label}: no {device.kind} kernel takes it: {'; '.join(node.refusals)}"
    package = registry.stem(node.layer.type) + ("" if device is CPU else f"-{device.kind}")
    advice = "" if device is CPU else ", or run it on the CPU with --fallback cpu"
    return (
        f"{node.label}: no {device.kind} kernel is installed for this type. "
        f"Try: pip install caffe-layer-{package}{advice}"
    )
