"""The optional pass that lets a kernel compute the layers that follow it in place."""

from __future__ import annotations

from caffe_core.graph import Graph, Node


def fuse(graph: Graph) -> list[str]:
    """Offer each layer that runs in place to the kernel that wrote its bottom.

    The kernel may refuse (`Kernel.absorb`). A layer that is absorbed does nothing forward; its
    backward is its own. The blob holds the same in the end; a forward that stops between the two
    layers, or ``debug_info``, undoes the fusion.
    """
    writers: dict[int, Node] = {}
    notes = []
    for node in graph.nodes:
        writer = writers.get(id(node.bottom[0])) if node.bottom else None
        if writer is not None and _follows_in_place(node, writer) and _absorb(writer, node):
            notes.append(f"{writer.name} computes {node.name}")
            continue
        writers.update({id(top): node for top in node.top})
    return notes


def _follows_in_place(node: Node, writer: Node) -> bool:
    """Whether a node changes what the writer wrote, and nothing else, with no copy between."""
    alone = len(node.bottom) == len(node.top) == 1 and node.bottom[0] is node.top[0]
    copied = any(reorder.blob is node.bottom[0] for reorder in writer.reorders)
    return alone and not node.reorders and not copied


def _absorb(writer: Node, node: Node) -> bool:
    assert writer.kernel is not None
    if not writer.kernel.absorb(node.layer):
        return False
    node.absorbed_by = writer
    return True
