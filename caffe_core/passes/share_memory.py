"""The optional pass that lets blobs share memory whose lifetimes do not overlap."""

from __future__ import annotations

from collections.abc import Iterator

from caffe_core.blob import Blob
from caffe_core.device import Device
from caffe_core.errors import CaffeError, did_you_mean
from caffe_core.graph import Graph, Node
from caffe_core.memory_plan import Lease, MemoryPlan
from caffe_core.not_kept import NotKept
from caffe_core.tensor import Tensor


def share_memory(graph: Graph) -> list[str]:
    """Plan the memory of the blobs that need not be kept, if the options say that there are any.

    A pass over the net takes two steps for each layer: forward in order, then backward. A tensor
    lives from the step that writes it to the last that reads it.
    """
    if graph.options.keep is None:
        return ["every blob is kept"]
    _check_names(graph, graph.options.keep)
    for node in graph.nodes:
        if node.layer.facts.dynamic:
            return [f"nothing is shared: the shapes that {node.label} makes change in a pass"]
    found = _Lifetimes(graph)
    graph.memory = MemoryPlan(found.leases())
    graph.memory.place()
    _mark(graph, {id(lease.tensor) for lease in graph.memory.leases})
    return [
        f"{len(graph.memory.leases)} tensors share {graph.memory.size / 2**20:.1f} MiB "
        f"instead of {graph.memory.unshared / 2**20:.1f} MiB",
        *(f"{name} is not kept" for name, blob in graph.blobs.items() if isinstance(blob, NotKept)),
    ]


def _check_names(graph: Graph, keep: tuple[str, ...]) -> None:
    for name in keep:
        if name not in graph.blobs:
            raise CaffeError(
                f"keep: net {graph.param.name!r} has no blob {name!r}."
                f"{did_you_mean(name, graph.blobs)}"
            )


def _mark(graph: Graph, shared: set[int]) -> None:
    """Let the user's view of each blob say what was not kept."""
    unwritten = {
        id(top) for node in graph.nodes if node.joined for top in node.top
    }  # the kernel writes the joined node's
    for name, blob in graph.blobs.items():
        data = id(blob.data_tensor) in shared or id(blob) in unwritten
        diff = id(blob.diff_tensor) in shared
        if data or diff:
            graph.blobs[name] = NotKept.view(name, blob, data=data, diff=diff)


class _Lifetimes:
    """When each tensor of a net is written first and read last."""

    def __init__(self, graph: Graph):
        self._graph = graph
        self._backward = not graph.forward_only
        self._leases: dict[int, Lease | None] = {}  # None: must have memory of its own
        self._devices: dict[int, Device] = {}
        self._fix()
        for index, node in enumerate(graph.nodes):
            self._follow_forward(index, node)
        if self._backward:
            for index, node in enumerate(graph.nodes):
                self._follow_backward(index, node)

    def leases(self) -> list[Lease]:
        """Return what may share memory."""
        return [lease for lease in self._leases.values() if lease is not None]

    def _fix(self) -> None:
        """Leave alone what the user sees, what data layers hand out, and losses."""
        for name, blob in self._graph.blobs.items():
            if self._graph.keeps(name):
                self._keep(blob)
        for node in self._graph.nodes:
            for top, weight in zip(node.top, node.loss_weights, strict=True):
                if weight or not node.bottom:
                    self._keep(top)
        if self._backward:
            for tensor in self._never_written():
                self._leases[id(tensor)] = None

    def _never_written(self) -> Iterator[Tensor]:
        """Return the diffs that no layer writes: they must stay zero."""
        written = {
            id(blob.diff_tensor)
            for node in self._graph.nodes
            if node.need_backward
            for blob, down in zip(node.bottom, node.propagate_down, strict=True)
            if down
        }
        for node in self._graph.nodes:
            for blob in (*node.bottom, *node.top):
                if id(blob.diff_tensor) not in written:
                    yield blob.diff_tensor

    def _keep(self, blob: Blob) -> None:
        self._leases[id(blob.data_tensor)] = None
        self._leases[id(blob.diff_tensor)] = None

    def _follow_forward(self, index: int, node: Node) -> None:
        for blob in (*node.bottom, *node.top):
            self._need(node, blob.data_tensor, blob, index)
        if node.absorbed_by is not None:
            writer = self._graph.nodes.index(node.absorbed_by)
            for blob in (*node.bottom, *node.top):
                self._need(node, blob.data_tensor, blob, writer)

    def _follow_backward(self, index: int, node: Node) -> None:
        if not node.need_backward:
            return
        step = self._graph.backward_step(index)
        reads = node.layer.facts.backward_reads
        for blob in (*node.bottom, *node.top):
            self._need(node, blob.diff_tensor, blob, step)
        for blobs, kind in ((node.bottom, "bottom"), (node.top, "top")):
            if kind in reads:
                for blob in blobs:
                    self._need(node, blob.data_tensor, blob, step)

    def _need(self, node: Node, tensor: Tensor, blob: Blob, step: int) -> None:
        assert node.kernel is not None
        key, device = id(tensor), node.kernel.device
        lease = self._leases.setdefault(key, Lease(tensor, [], device, step, step))
        if lease is None:
            return
        if lease.device is not device:
            self._leases[key] = None
            return
        lease.blobs.append(blob)
        lease.start, lease.end = min(lease.start, step), max(lease.end, step)
