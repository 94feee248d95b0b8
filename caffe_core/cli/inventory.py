"""What is installed, loaded once to see whether it works."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from caffe_core import registry
from caffe_core.cuda import device_count
from caffe_core.errors import PluginError
from caffe_core.passes.kernels import PLAIN
from caffe_core.registry import Listing, Registry

_DEVICES = ("cpu", "cuda")


@dataclass
class Plugin:
    """One claim to a name.

    Attributes:
        group: Entry-point group.
        name: Name in the group.
        devices: Devices that it is written for; for a layer, those that have a kernel for it.
        engines: Engine of a kernel; for a layer, those that have a kernel for it.
        distribution: Who supplies it.
        version: Of the distribution.
        target: Module and object.
        status: ``ok``, ``broken``, ``hidden`` by the choice in ``CAFFE_PREFER``, or
            ``no kernel``.
        cause: Why it is not ok.
    """

    group: str
    name: str
    devices: list[str]
    engines: list[str]
    distribution: str
    version: str
    target: str
    status: str = "ok"
    cause: str = ""


def inventory(groups: Iterable[Registry[Any]]) -> list[Plugin]:
    """Return every claim to every name of `groups`, each loaded to learn its status."""
    return [_examine(group, listing) for group in groups for listing in group.listings()]


def _examine(group: Registry[Any], listing: Listing) -> Plugin:
    plugin = Plugin(
        listing.group,
        listing.name,
        *_reach(listing),
        listing.distribution,
        listing.version,
        listing.target,
    )
    try:
        if group.supplier(listing.name) != listing.distribution:
            plugin.status = "hidden"
            return plugin
        found = group[listing.name]
    except PluginError as error:
        plugin.status, plugin.cause = "broken", _cause(error)
        return plugin
    if group is registry.layers:
        plugin.cause = _missing_kernels(found, plugin)
        plugin.status = "no kernel" if plugin.cause else "ok"
    return plugin


def _cause(error: PluginError) -> str:
    """Why, without the origin, which the listing shows."""
    cause = error.__cause__
    return str(error) if cause is None else f"{type(cause).__name__}: {cause}"


def _reach(listing: Listing) -> tuple[list[str], list[str]]:
    """The devices and engines of a name."""
    if listing.group == registry.layers.group:
        engines = {kind: _engines(kind, listing.name) for kind in _DEVICES}
        present = [kind for kind in _DEVICES if engines[kind]]
        return present, list(dict.fromkeys(itertools.chain(*engines.values())))
    kind = listing.group.rpartition(".")[2]
    if listing.group == f"caffe.kernels.{kind}":
        return [kind], [listing.name.partition(".")[2] or PLAIN]
    return ([kind] if kind in _DEVICES else []), []


def _engines(kind: str, layer_type: str) -> list[str]:
    names = (name.partition(".") for name in registry.kernels(kind))
    return [engine or PLAIN for base, _, engine in names if base == layer_type]


def _missing_kernels(layer_type: Any, plugin: Plugin) -> str:
    """What a layer lacks on this machine: a CPU kernel, or a CUDA kernel where there is a GPU."""
    gpu = device_count() > 0 and not layer_type.facts.host_only
    lacking = [kind for kind in ("cpu", *["cuda"] * gpu) if kind not in plugin.devices]
    suffix = {"cpu": "", "cuda": "-cuda"}
    return "; ".join(
        f"none for {kind}; try: pip install caffe-layer-{registry.stem(plugin.name)}{suffix[kind]}"
        for kind in lacking
    )
