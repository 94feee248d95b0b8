"""The pass that finds which layers run backward and which bottoms get a gradient."""

from __future__ import annotations

import logging

from caffe_core.graph import Graph, Node
from caffe_core.layer import Phase

log = logging.getLogger("caffe")


def find_backward(graph: Graph) -> list[str]:
    """Decide ``need_backward`` and ``propagate_down`` of each node.

    A layer runs backward if something at or before it learns and something at or after it is a
    loss. ``force_backward`` makes every layer do so.
    """
    _follow_learning(graph.nodes)
    _follow_losses(graph.nodes)
    _let_insist(graph.nodes)
    if graph.param.force_backward:
        _force(graph.nodes)
    for node in reversed(graph.nodes):
        does = "needs" if node.need_backward else "does not need"
        log.info("%s %s backward computation.", node.name, does)
    for name in graph.outputs:
        log.info("This network produces output %s", name)
    if _is_forward_only(graph):
        _drop(graph)
        return ["no layer runs backward: the net is for TEST, and not every blob is to be kept"]
    return [f"{node.name} runs backward" for node in graph.nodes if node.need_backward]


def _is_forward_only(graph: Graph) -> bool:
    options = graph.options
    return (
        options.phase is Phase.TEST
        and options.keep is not None
        and not graph.param.force_backward
        and any(node.need_backward for node in graph.nodes)
    )


def _drop(graph: Graph) -> None:
    """Let no layer run backward."""
    graph.forward_only = True
    for node in graph.nodes:
        node.need_backward = False
        node.propagate_down = [False] * len(node.bottom)


def _follow_learning(nodes: list[Node]) -> None:
    """Going forward: what depends on a learned blob needs a gradient."""
    learning: dict[int, bool] = {}
    for node in nodes:
        below = [learning.get(id(blob), False) for blob in node.bottom]
        node.propagate_down = list(node.layer.param.propagate_down) or list(below)
        node.layer.param_propagate_down = [
            index >= len(node.layer.param.param) or node.layer.param.param[index].lr_mult != 0
            for index in range(len(node.layer.blobs))
        ]
        node.need_backward = any(below) or any(node.layer.param_propagate_down)
        if node.need_backward:
            learning.update({id(blob): True for blob in node.top})


def _follow_losses(nodes: list[Node]) -> None:
    """Going backward: what does not contribute to a loss needs no gradient."""
    under_loss: set[int] = set()
    skipped: set[int] = set()
    for node in reversed(nodes):
        contributing = any(node.loss_weights) or any(id(blob) in under_loss for blob in node.top)
        if not contributing or all(id(blob) in skipped for blob in node.top):
            node.need_backward = False
            node.propagate_down = [False] * len(node.bottom)
        for blob, down in zip(node.bottom, node.propagate_down, strict=True):
            if contributing:
                under_loss.add(id(blob))
            if not down:
                skipped.add(id(blob))


def _let_insist(nodes: list[Node]) -> None:
    """Give some layers' bottoms the gradient that Caffe's code for these layers always computes."""
    for node in nodes:
        if node.need_backward and not node.layer.param.propagate_down:
            node.propagate_down = [
                down or node.layer.insists_on_backward(index)
                for index, down in enumerate(node.propagate_down)
            ]


def _force(nodes: list[Node]) -> None:
    for node in nodes:
        node.need_backward = True
        node.propagate_down = [
            down or node.layer.allow_force_backward(index)
            for index, down in enumerate(node.propagate_down)
        ]
        node.layer.param_propagate_down = [True] * len(node.layer.blobs)
