"""The optional passes that let a kernel compute layers that follow it."""

from __future__ import annotations

from collections.abc import Callable

from caffe_core.graph import Graph, Node

Offer = Callable[[Node], bool]


def fold_channels(graph: Graph) -> list[str]:
    """Offer each layer in place that has learned blobs, such as Scale, to what it follows."""
    return _absorb_in_place(graph, lambda node: bool(node.layer.blobs))


def fuse_joins(graph: Graph) -> list[str]:
    """Offer each layer that joins several blobs, such as a sum, to what wrote the last of them.

    It is offered (`Kernel.absorb_join`) if that blob need not be kept, since the kernel writes the
    joining layer's top instead: over the other blob, if nobody needs that any more.
    """
    writers = _Writers()
    notes = []
    for node in graph.nodes:
        if node.layer.facts.shares_bottom:
            node.layer.reshape(node.bottom, node.top)  # the bottom may have got other memory here
        writer = writers.of_join(graph, node)
        if writer is None or not _join(writer, node):
            writers.note(node)
            continue
        over = _write_over(graph, writer, node)
        notes.append(f"{writer.name} computes {node.name}{', in place' if over else ''}")
    return notes


def fuse_neurons(graph: Graph) -> list[str]:
    """Offer each layer in place that has no learned blobs, such as ReLU, to what it follows."""
    return _absorb_in_place(graph, lambda node: not node.layer.blobs)


def _absorb_in_place(graph: Graph, offered: Offer) -> list[str]:
    """Offer layers in place to the kernel that wrote their bottom.

    The kernel may refuse (`Kernel.absorb`). A layer that is absorbed does nothing forward; its
    backward is its own. The blob holds the same in the end; a forward that stops between the two
    layers, or ``debug_info``, undoes the fusion.
    """
    writers = _Writers()
    notes = []
    for node in graph.nodes:
        writer = writers.of_bottom(node)
        if writer is not None and offered(node) and _follows_in_place(node, writer):
            assert writer.kernel is not None
            if node.absorbed_by is None and writer.kernel.absorb(node.layer):
                node.absorbed_by = writer
                notes.append(f"{writer.name} computes {node.name}")
        writers.note(node)
    return notes


class _Writers:
    """Which node's kernel wrote each blob last."""

    def __init__(self) -> None:
        self._nodes: dict[int, Node] = {}

    def note(self, node: Node) -> None:
        """Go on behind `node`."""
        writer = node.absorbed_by or node
        self._nodes.update({id(top): writer for top in node.top})

    def of_bottom(self, node: Node) -> Node | None:
        """Return what wrote the first bottom of `node`."""
        return self._nodes.get(id(node.bottom[0])) if node.bottom else None

    def of_join(self, graph: Graph, node: Node) -> Node | None:
        """Return what wrote the last bottom of a joining node, if it may write its top instead."""
        if len(node.bottom) < 2 or len(node.top) != 1 or node.reorders or node.need_backward:
            return None
        found = [self._nodes.get(id(blob)) for blob in node.bottom]
        order = {id(each): index for index, each in enumerate(graph.nodes)}
        writer = max(
            (each for each in found if each), key=lambda each: order[id(each)], default=None
        )
        if writer is None or found.count(writer) != 1 or writer.joined or writer.reorders:
            return None
        alone = len(writer.top) == 1 and writer.top[0] is node.bottom[found.index(writer)]
        fresh = not any(node.top[0] is blob for blob in node.bottom)
        if not alone or not fresh or graph.keeps(graph.name_of(writer.top[0])):
            return None
        return writer


def _join(writer: Node, node: Node) -> bool:
    assert writer.kernel is not None
    others = [blob for blob in node.bottom if blob is not writer.top[0]]
    if any(blob.format is not writer.top[0].format for blob in (*others, *node.top)):
        return False
    if not writer.kernel.absorb_join(node.layer, others):
        return False
    node.absorbed_by = writer
    writer.joined = node
    return True


def _write_over(graph: Graph, writer: Node, node: Node) -> bool:
    """Let the top of a joined node take the memory of what it is joined with, if that is free."""
    assert writer.kernel is not None
    (other, *more) = (blob for blob in node.bottom if blob is not writer.top[0])
    tensor, after = other.data_tensor, graph.nodes[graph.nodes.index(writer) :]
    needed = [
        each for each in after for blob in each.bottom if blob.data_tensor is tensor
    ]  # what the writer itself reads must not be written over either
    kept = any(
        blob.data_tensor is tensor and graph.keeps(name) for name, blob in graph.blobs.items()
    )
    learning = any(each.need_backward for each in graph.nodes)
    if not writer.kernel.joins_in_place:
        return False
    if more or needed != [node] or kept or learning or other.count != node.top[0].count:
        return False
    node.top[0].share_data(other)
    return True


def _follows_in_place(node: Node, writer: Node) -> bool:
    """Whether a node changes what the writer wrote, and nothing else, with no copy between."""
    alone = len(node.bottom) == len(node.top) == 1 and node.bottom[0] is node.top[0]
    copied = any(reorder.blob is node.bottom[0] for reorder in writer.reorders)
    return alone and not node.reorders and not copied
