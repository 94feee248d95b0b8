"""The optional pass that lets backward of elementwise layers write over its input."""

from __future__ import annotations

from caffe_core.graph import Graph, Node


def backward_in_place(graph: Graph) -> list[str]:
    """Let an elementwise layer that may run in place write the bottom's diff over the top's.

    The top's diff is then not kept, so the options must allow that.
    """
    if graph.options.keep is None:
        return ["every blob is kept"]
    notes = []
    for node in graph.nodes:
        if _may(graph, node):
            node.top[0].share_diff(node.bottom[0])
            notes.append(f"{node.name} runs backward in place")
    return notes


def _may(graph: Graph, node: Node) -> bool:
    facts = node.layer.facts
    if not (facts.elementwise and facts.inplace and node.need_backward):
        return False
    if not len(node.bottom) == len(node.top) == len(node.propagate_down) == 1:
        return False
    if not node.propagate_down[0] or node.loss_weights[0] or node.reorders:
        return False
    (bottom,), (top,) = node.bottom, node.top
    apart = bottom is not top and bottom.count == top.count and bottom.format is top.format
    return apart and not any(graph.keeps(name) for name in (*node.bottom_names, *node.top_names))
