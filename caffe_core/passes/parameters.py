"""The pass that shares learned blobs by name and lists what is to be learned."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from caffe_core.blob import Blob
from caffe_core.errors import NetError
from caffe_core.graph import Graph, Node, Parameter

log = logging.getLogger("caffe")
_PERMISSIVE = 1


@dataclass
class _Owner:
    """The first layer with a ``param`` of some name, and which factors anyone gave for it."""

    node: Node
    parameter: Parameter
    given: set[str]


def gather_parameters(graph: Graph) -> list[str]:
    """List the learned blobs; those whose ``param`` has one name share memory.

    Raises:
        NetError: Blobs of one name differ in shape, ``lr_mult`` or ``decay_mult``.
    """
    owners: dict[str, _Owner] = {}
    notes = []
    for node in graph.nodes:
        _check_spec_count(node)
        if node.layer.blobs:
            _check_name(graph, node)
            graph.params[node.name] = node.layer.blobs
        for index, blob in enumerate(node.layer.blobs):
            spec = _spec(node, index)
            if spec is None or spec.name not in owners:
                parameter = _parameter(node, index, blob, spec)
                graph.learnable.append(parameter)
                if spec is not None and spec.name:
                    owners[spec.name] = _Owner(node, parameter, _given(spec))
                continue
            owner = owners[spec.name].node
            _share(node, blob, spec, owners[spec.name])
            notes.append(f"{node.name} shares {spec.name!r} with {owner.name}")
            log.info("Sharing parameters '%s' owned by layer '%s'", spec.name, owner.name)
    total = sum(parameter.blob.count for parameter in graph.learnable)
    return [f"{len(graph.learnable)} learned blobs, {total} values", *notes]


def _check_spec_count(node: Node) -> None:
    given, blobs = len(node.layer.param.param), len(node.layer.blobs)
    if given > blobs:
        raise NetError(
            f"{node.label}: Too many params specified: the layer has {blobs} learned blobs, "
            f"`param` is given {given} times; remove {given - blobs}"
        )


def _check_name(graph: Graph, node: Node) -> None:
    if node.name in graph.params:
        log.warning(
            "%s: another layer with learned blobs has this name too, so weight files keep those of "
            "one of them only; rename it",
            node.label,
        )


def _spec(node: Node, index: int) -> Any:
    specs = node.layer.param.param
    return specs[index] if index < len(specs) else None


def _parameter(node: Node, index: int, blob: Blob, spec: Any) -> Parameter:
    if spec is None:
        return Parameter(f"{node.name}[{index}]", blob)
    return Parameter(spec.name or f"{node.name}[{index}]", blob, spec.lr_mult, spec.decay_mult)


def _given(spec: Any) -> set[str]:
    """The factors that a ``param`` names, which must agree wherever the blob is shared."""
    return {factor for factor in ("lr_mult", "decay_mult") if spec.HasField(factor)}


def _share(node: Node, blob: Blob, spec: Any, owner: _Owner) -> None:
    """Let a blob use the memory of the owner's."""
    owned = owner.parameter
    where = f"{node.label}: parameter {spec.name!r} owned by {owner.node.label}"
    if spec.share_mode == _PERMISSIVE:
        if blob.count != owned.blob.count:
            raise NetError(
                f"{where} has {owned.blob.count} values {owned.blob.shape}, "
                f"this layer needs {blob.count} {blob.shape}; share blobs of one size"
            )
    elif blob.shape != owned.blob.shape:
        raise NetError(
            f"{where} has shape {owned.blob.shape}, this layer needs {blob.shape}; "
            "use one shape, or set share_mode: PERMISSIVE if only the counts must agree"
        )
    for factor in _given(spec):
        here, there = getattr(spec, factor), getattr(owned, factor)
        if factor in owner.given and here != there:
            raise NetError(f"{where} has {factor} {there:g}, here {here:g}; give one value")
        owner.given.add(factor)
        setattr(owned, factor, here)
    blob.share_data(owned.blob)
    blob.share_diff(owned.blob)
