"""The pass that makes the layers, connects them through blobs and sets them up."""

from __future__ import annotations

import logging
from typing import Any, NoReturn

from caffe_core import registry
from caffe_core.blob import Blob
from caffe_core.errors import CaffeError, LayerError, NetError, PluginError
from caffe_core.graph import Graph, Node
from caffe_core.layer import Count, Layer, Phase
from caffe_core.proto.plugin_fields import refuse_others
from caffe_core.proto.stored_blob import StoredBlob, read_blob
from caffe_core.proto.wire import WireError

log = logging.getLogger("caffe")


def set_up_layers(graph: Graph) -> list[str]:
    """Make a node for each layer of the definition, in order, with blobs in their shapes.

    Raises:
        PluginError: No plugin supplies a layer's type.
        NetError: Bottoms and tops do not fit together.
        LayerError: A layer refuses its parameters or its bottoms.
    """
    unread: dict[str, None] = {}
    for index, param in enumerate(graph.param.layer):
        node = Node(make_layer(graph, param, index))
        log.info("Creating Layer %s", node.name)
        _connect_bottoms(graph, node, unread)
        _connect_tops(graph, node, unread)
        _check_counts(node)
        _set_up(node)
        graph.nodes.append(node)
    graph.outputs = sorted(unread)
    elements = sum(blob.count for node in graph.nodes for blob in node.top)
    size = elements * graph.options.dtype.itemsize
    log.info("Memory required for data: %d", size)
    return [f"{len(graph.nodes)} layers, {len(graph.blobs)} blobs, {size} bytes of data"]


def make_layer(graph: Graph, param: Any, index: int) -> Layer:
    """Make the layer of a ``LayerParameter``; its random numbers depend on its index.

    Raises:
        PluginError: No plugin supplies the type.
        NetError: ``propagate_down`` does not fit the bottoms.
    """
    options = graph.options
    phase = Phase(param.phase) if param.HasField("phase") else options.phase
    given = len(param.propagate_down)
    if given not in (0, len(param.bottom)):
        raise NetError(
            f"{param.name} ({param.type}): propagate_down is given {given} times "
            f"for {len(param.bottom)} bottoms; give it once for each bottom, or not at all"
        )
    try:
        layer_type = registry.layers[param.type]
    except PluginError as error:
        raise PluginError(f"layer {param.name!r}: {error}") from error
    param.phase = int(phase)
    layer: Layer = layer_type(param, phase, dtype=options.dtype, seed=[options.seed, index])
    refuse_others(layer)
    return layer


def _connect_bottoms(graph: Graph, node: Node, unread: dict[str, None]) -> None:
    for name in node.layer.param.bottom:
        log.info("%s <- %s", node.name, name)
        node.bottom_names.append(name)
        node.bottom.append(graph.blobs[name])
        unread.pop(name, None)


def _connect_tops(graph: Graph, node: Node, unread: dict[str, None]) -> None:
    for position, name in enumerate(node.layer.param.top):
        if position < len(node.bottom) and node.bottom_names[position] == name:
            log.info("%s -> %s (in-place)", node.name, name)
            node.top.append(node.bottom[position])
        elif name in graph.blobs:
            raise NetError(
                f"{node.label}: Top blob '{name}' produced by multiple sources: "
                f"{_maker(graph, node, name).label} makes it already. "
                "Rename one of them, or name it as the bottom too if it is to be computed in place."
            )
        else:
            log.info("%s -> %s", node.name, name)
            graph.blobs[name] = Blob((), graph.options.dtype)
            node.top.append(graph.blobs[name])
        node.top_names.append(name)
        unread[name] = None
        if node.layer.type == "Input":
            graph.inputs.append(name)
    while node.layer.auto_tops and len(node.top) < node.layer.tops.least:
        log.info("%s -> (automatic)", node.name)
        node.top_names.append("")
        node.top.append(Blob((), graph.options.dtype))
        graph.automatic.append(node.top[-1])


def _maker(graph: Graph, node: Node, blob: str) -> Node:
    return next(each for each in (*graph.nodes, node) if blob in each.top_names)


def _check_counts(node: Node) -> None:
    layer = node.layer
    _check_count(node, "bottoms", layer.bottoms, len(node.bottom))
    _check_count(node, "tops", layer.tops, len(node.top))
    if layer.equal_counts and len(node.bottom) != len(node.top):
        raise NetError(
            f"{node.label}: takes as many tops as bottoms, "
            f"has {len(node.bottom)} bottoms and {len(node.top)} tops; add or remove some"
        )


def _check_count(node: Node, noun: str, wanted: Count, found: int) -> None:
    if found not in wanted:
        noun = noun.removesuffix("s") if str(wanted) == "1" else noun
        raise NetError(f"{node.label}: takes {wanted} {noun}, has {found}; add or remove some")


def _set_up(node: Node) -> None:
    layer = node.layer
    log.info("Setting up %s", node.name)
    call(node, layer.setup)
    if not layer.facts.inplace and any(top is below for top in node.top for below in node.bottom):
        raise NetError(
            f"{node.label}: cannot run in place; give its top a name that differs from its bottom's"
        )
    call(node, layer.reshape)
    load_given_blobs(node)
    node.loss_weights = _loss_weights(node)
    for top, weight in zip(node.top, node.loss_weights, strict=True):
        log.info("Top shape: %s(%d)", "".join(f"{dim} " for dim in top.shape), top.count)
        if weight:
            log.info("    with loss weight %g", weight)


def call(node: Node, method: Any) -> None:
    """Call ``setup`` or ``reshape`` of a node's layer; any error gets the layer's name.

    Raises:
        LayerError: The layer refuses.
    """
    try:
        method(node.bottom, node.top)
    except Exception as error:
        blame(node, error, method.__name__)


def blame(node: Node, error: Exception, doing: str) -> NoReturn:
    """Raise `error` with the layer's name and type in front, unless it has them.

    An error that is not Caffe's own also gets its type and place.

    Raises:
        LayerError: Always, or the error itself.
    """
    if isinstance(error, LayerError) or str(error).startswith(f"{node.label}: "):
        raise error
    if isinstance(error, CaffeError):
        raise LayerError(f"{node.label}: {error}") from error
    raise LayerError(f"{node.label}: {type(error).__name__} in {doing}: {error}") from error


def _loss_weights(node: Node) -> list[float]:
    given = list(node.layer.param.loss_weight)
    if given and len(given) > len(node.top):
        raise NetError(
            f"{node.label}: loss_weight is given {len(given)} times for {len(node.top)} tops; "
            "give it once for each top, or not at all"
        )
    default = [1.0] if node.layer.is_loss and not given else []
    weights = given or default
    return weights + [0.0] * (len(node.top) - len(weights))


def load_given_blobs(node: Node) -> None:
    """Take over the values of learned blobs that stand in the definition itself.

    Raises:
        NetError: Their number or shapes differ from what the layer has.
    """
    given = node.layer.param.blobs
    if not given:
        return
    if len(given) != len(node.layer.blobs):
        raise NetError(
            f"{node.label}: the definition holds {len(given)} learned blobs, "
            f"the layer has {len(node.layer.blobs)}; correct or remove them"
        )
    for index, (proto, blob) in enumerate(zip(given, node.layer.blobs, strict=True)):
        stored = _stored(node, index, proto)
        if not stored.fits(blob.shape):
            raise NetError(
                f"{node.label}: learned blob {index} has shape {blob.shape}, "
                f"the definition holds {stored.shape}; correct or remove it"
            )
        blob.data[...] = stored.data.reshape(blob.shape)
    del node.layer.param.blobs[:]


def _stored(node: Node, index: int, proto: Any) -> StoredBlob:
    content = memoryview(proto.SerializeToString())
    try:
        return read_blob(content, 0, len(content))
    except WireError as error:
        raise NetError(
            f"{node.label}: learned blob {index} in the definition: {error.problem}; "
            "correct or remove it"
        ) from error
