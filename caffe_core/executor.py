"""Executor: runs the nodes of a net, forward and backward, following shapes as they change."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from caffe_core.blob import Blob, reshapes
from caffe_core.debug_info import show_backward, show_forward
from caffe_core.device import CPU, Device
from caffe_core.errors import NetError, OutOfMemoryError
from caffe_core.graph import Graph, Node, Reorder
from caffe_core.kernel import Kernel
from caffe_core.out_of_memory import name_blob
from caffe_core.passes.setup import blame, call
from caffe_core.program import Program

Call = Callable[[], None]
Watch = Callable[[Node, str], None]


class Executor:
    """A net's nodes as prebuilt calls.

    A node is made ready (`Kernel.prepare`) when the shapes or the memory of its blobs differ from
    the last time. The check costs one comparison a pass: blobs count every change of a shape.

    Attributes:
        debug_info: Log the mean magnitude of what each layer computes.
        watch: Called after each node with the node and what it did: ``forward`` or ``backward``.
        announce: Called before each node with the same. Each layer then computes by itself.
    """

    def __init__(self, graph: Graph):
        self.graph = graph
        self.nodes = nodes = graph.nodes
        self._device = graph.options.device
        self.debug_info = False
        self.watch: Watch | None = None
        self.announce: Watch | None = None
        self._forward: list[Call] = [_nothing] * len(nodes)
        self._backward: list[Call] = [_nothing] * len(nodes)
        self._ready: list[Any] = [None] * len(nodes)
        self._losses: list[tuple[int, Blob, float]] = [
            (index, top, weight)
            for index, node in enumerate(nodes)
            for top, weight in zip(node.top, node.loss_weights, strict=True)
            if weight
        ]
        self._absorbed = {
            index: nodes.index(node.absorbed_by)
            for index, node in enumerate(nodes)
            if node.absorbed_by
        }
        self._seen = -1  # the count of changes at which the nodes from _first on were made ready
        self._first = 0
        self._settles = not any(node.need_backward or node.layer.facts.dynamic for node in nodes)
        self._program: Program | None = None
        self._passed = False  # whether a forward pass has been made since the last backward

    def invalidate(self) -> None:
        """Make every node ready again before it next runs: its memory was replaced."""
        self._ready = [None] * len(self.nodes)
        self._program = None
        self._seen = -1

    def reshape(self, start: int = 0) -> None:
        """Let every node from `start` on follow the shapes of its bottoms, and make it ready."""
        self._follow(start)
        self._first = start

    def forward(self, start: int, end: int) -> float:
        """Run the nodes from `start` to `end`, which is included; return their weighted loss."""
        if self._absorbed:
            self._release(start, end)
        self._check_kept(start)
        if self._seen != reshapes.count or start < self._first:
            self.reshape(start)
        if self._settles and end - start + 1 == len(self.nodes) and not self._is_watched:
            self._run_whole()
        else:
            self._run(self._forward, range(start, end + 1), "forward", show_forward)
        self._passed = True
        return sum(
            (_weighted(top, weight) for at, top, weight in self._losses if start <= at <= end), 0.0
        )

    def backward(self, start: int, end: int) -> None:
        """Run backward the nodes from `start` down to `end`, which is included."""
        self._check_kept(self.graph.backward_step(start))
        if self._absorbed:
            self._part(start, end)
        if None in self._ready[end : start + 1]:
            self.reshape(end)
        self._run(self._backward, range(start, end - 1, -1), "backward", show_backward)
        self._passed = False

    def _check_kept(self, step: int) -> None:
        """Raise an error if a pass that begins at this step needs what was computed and not kept.

        What a forward pass leaves for backward is there, until a backward pass writes over it.
        """
        memory = self.graph.memory
        if memory is None or step == 0:
            return
        lost = memory.lost_at(step, present=len(self.nodes) if self._passed else None)
        if lost is not None:
            name = self.graph.name_of(lost)
            raise NetError(
                f"net {self.graph.param.name!r}: this pass begins where blob {name!r} is needed, "
                "which was not kept: its memory serves other blobs. Run the whole net, forward "
                "then backward, or build it with keep=None to keep every blob"
            )

    def _release(self, start: int, end: int) -> None:
        """Undo the fusions of which only a part is to run, or all if each layer is to be shown."""
        whole = start == 0 and end == len(self.nodes) - 1
        if whole and not self.debug_info and self.announce is None:
            return
        for index, writer in list(self._absorbed.items()):
            parted = (start <= writer <= end) != (start <= index <= end)
            alone = parted or self.debug_info or self.announce is not None
            if index in self._absorbed and alone:
                self._separate(writer)

    def _part(self, start: int, end: int) -> None:
        """Undo the fusions of which backward is to run only a part, or to be shown by layers.

        Forward has been made with them: the layers get from it what their own would have left.
        """
        alone = self.debug_info or self.announce is not None
        parted: dict[int, tuple[Kernel, list[Kernel]]] = {}
        for index, writer in self._absorbed.items():
            fused, own = self.nodes[writer].kernel, self.nodes[index].kernel
            assert fused is not None
            assert own is not None
            apart = alone or (end <= writer <= start) != (end <= index <= start)
            if apart and fused.absorbs_backward(self.nodes[index].layer):
                parted.setdefault(writer, (fused, []))[1].append(own)
        for writer, (fused, kernels) in parted.items():
            self._separate(writer)
            self.reshape(writer)
            for kernel in kernels:
                fused.hand_over(kernel)

    def _separate(self, writer: int) -> None:
        kernel = self.nodes[writer].kernel
        assert kernel is not None
        kernel.release()
        parted = [index for index, by in self._absorbed.items() if by == writer]
        joined, self.nodes[writer].joined = self.nodes[writer].joined, None
        if joined is not None:
            joined.top[0].unshare_data()
        for index in parted:
            self.nodes[index].absorbed_by = None
            del self._absorbed[index]
        for index in (writer, *parted):
            self._ready[index] = None
        self._seen = -1

    def _run(
        self, calls: list[Call], order: range, doing: str, show: Callable[[Node], None]
    ) -> None:
        """Make the calls in order. Numbers may overflow: whoever watches the loss will see it."""
        index = order.start
        try:
            with self._device.active(), np.errstate(all="ignore"):
                if not self._is_watched:
                    for index in order:
                        calls[index]()
                    return
                for index in order:
                    if self.announce is not None:
                        self.announce(self.nodes[index], doing)
                    calls[index]()
                    if self.debug_info:
                        show(self.nodes[index])
                    if self.watch is not None:
                        self.watch(self.nodes[index], doing)
        except Exception as error:
            self._blame(index, error, doing)

    @property
    def _is_watched(self) -> bool:
        return self.debug_info or self.announce is not None or self.watch is not None

    def _run_whole(self) -> None:
        """Run all nodes forward, those that know what it comes down to without asking again."""
        program, index, done = self._program, 0, 0
        try:
            with self._device.active(), np.errstate(all="ignore"):
                if program is not None and program.alarm.quiet:
                    alarm = program.alarm
                    for index, calls in program.steps:
                        for each in calls:
                            if each():
                                self._forward[index]()
                        if not alarm.quiet:
                            done = index + 1
                            break
                    else:
                        program.is_used = True
                        return
                for index in range(done, len(self.nodes)):
                    self._forward[index]()
        except Exception as error:
            self._blame(index, error, "forward")
        self._program = Program(
            self.nodes, [None if each is _nothing else each for each in self._forward], program
        )

    def _blame(self, index: int, error: Exception, doing: str) -> NoReturn:
        """Raise an error that says where it came up."""
        node = self.nodes[index]
        if isinstance(error, OutOfMemoryError):
            error = name_blob(node, self._device, error)
        blame(node, error, doing)

    def _follow(self, start: int) -> None:
        for node in self.nodes[start:]:
            call(node, node.layer.reshape)
        if self.graph.memory is not None:
            self.graph.memory.place()
        for index in range(start, len(self.nodes)):
            self._make_ready(index)
        self._seen = reshapes.count

    def _make_ready(self, index: int) -> None:
        node = self.nodes[index]
        layout = [_layout(blob) for blob in (*node.reads, *node.top, *node.writes)]
        if self._ready[index] == layout:
            return
        assert node.kernel is not None
        self._program = None
        for reorder in node.reorders:
            reorder.follow()
        for top, weight in zip(node.top, node.loss_weights, strict=True):
            if weight:
                top.diff.fill(weight)
        bottom, top_blobs = node.seen_by_kernel(node.reads), node.seen_by_kernel(node.writes)
        try:
            with self._device.active():
                node.kernel.prepare(bottom, top_blobs)
        except Exception as error:
            blame(node, error, "prepare")
        self._forward[index] = self._forward_call(index, bottom, top_blobs)
        self._backward[index] = self._backward_call(node, bottom, top_blobs)
        self._ready[index] = layout

    def _forward_call(self, index: int, bottom: list[Blob], top: list[Blob]) -> Call:
        node = self.nodes[index]
        assert node.kernel is not None
        run: Call = functools.partial(node.kernel.forward, bottom, top)
        if node.absorbed_by is not None:
            run = _nothing
        if node.reorders:
            run = functools.partial(_forward_reordered, node, self._place(node), run)
        if lost := _lost_weights(node):
            run = functools.partial(_forward_weighted, run, self._place(node), lost)
        if node.layer.facts.dynamic:
            alone = weakref.proxy(self)  # what it calls must not keep it
            run = functools.partial(Executor._forward_dynamic, alone, index, run)
        return run

    def _backward_call(self, node: Node, bottom: list[Blob], top: list[Blob]) -> Call:
        if not node.need_backward or node.kernel is None:
            return _nothing
        writer = node.absorbed_by.kernel if node.absorbed_by else None
        if writer is not None and writer.absorbs_backward(node.layer):
            return _nothing
        run: Call = functools.partial(node.kernel.backward, top, node.propagate_down, bottom)
        if not node.reorders:
            return run
        return functools.partial(_backward_reordered, node, self._place(node), run)

    def _place(self, node: Node) -> Device:
        """Where the arrays are that are copied for a kernel: there where it has its own."""
        assert node.kernel is not None
        return self._device if node.kernel.device is self._device else CPU

    def _forward_dynamic(self, index: int, run: Call) -> None:
        """Run a node whose tops may change shape, then let the nodes after it follow."""
        before = reshapes.count
        call(self.nodes[index], self.nodes[index].layer.reshape)
        self._make_ready(index)
        run()
        if reshapes.count != before:
            self._make_ready(index)
            self._follow(index + 1)


def _layout(blob: Blob) -> Any:
    """What a kernel was prepared for: a blob's shape and memory."""
    data, diff = blob.data_tensor, blob.diff_tensor
    return blob.shape, data, data.moved, diff, diff.moved


def _lost_weights(node: Node) -> list[tuple[Blob, float]]:
    """Tops whose diff, which holds their loss weight, is where backward writes a bottom's diff."""
    below = {id(blob.diff_tensor) for blob in node.bottom}
    weighted = zip(node.top, node.loss_weights, strict=True)
    return [(top, weight) for top, weight in weighted if weight and id(top.diff_tensor) in below]


def _forward_weighted(run: Call, device: Device, tops: list[tuple[Blob, float]]) -> None:
    """Run forward, then put the loss weights back that the last backward has written over."""
    run()
    for top, weight in tops:
        top.on(device).overwrite_diff().fill(weight)


def _nothing() -> None:
    """What a node does that has nothing to do."""


def _weighted(top: Blob, weight: float) -> float:
    values = top.data_tensor.read(CPU)[: top.count]
    if top.count == 1:
        return weight * float(values[0])
    with np.errstate(all="ignore"):
        return weight * float(values.sum())


def _forward_reordered(node: Node, device: Device, run: Call) -> None:
    for reorder in _among(node, node.bottom):
        reorder.copy.on(device).overwrite()[...] = reorder.blob.on(device).read()
    run()
    for reorder in _among(node, node.top):
        reorder.blob.reshape(reorder.copy.shape)  # a dynamic layer's kernel may have changed it
        reorder.blob.on(device).overwrite()[...] = reorder.copy.on(device).read()


def _backward_reordered(node: Node, device: Device, run: Call) -> None:
    for reorder in _among(node, node.top):
        reorder.copy.on(device).overwrite_diff()[...] = reorder.blob.on(device).read_diff()
    run()
    wanted = [blob for blob, down in zip(node.bottom, node.propagate_down, strict=True) if down]
    for reorder in _among(node, wanted):
        reorder.blob.on(device).overwrite_diff()[...] = reorder.copy.on(device).read_diff()


def _among(node: Node, blobs: list[Blob]) -> list[Reorder]:
    wanted = {id(blob) for blob in blobs}
    return [each for each in node.reorders if id(each.blob) in wanted and not each.is_shared]
