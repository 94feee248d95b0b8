"""Program: a forward pass as one flat list of calls, for as long as nothing changes in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from caffe_core.alarm import Alarm
from caffe_core.graph import Node

Call = Callable[[], int | None]


class Program:
    """What a forward pass comes down to when it is made again.

    A kernel looks first whether its blobs are where it wants them and whether what it keeps of its
    learned blobs is fresh. That takes little time where Python's objects are in the processor's
    caches, and several times as long after a kernel has filled these with numbers. So each kernel
    may say what is left if nothing has changed (`Kernel.settle`), and sets an alarm on what it
    relies on. Once one rings, a pass of all calls is made, and a new program after it.

    Args:
        nodes: The nodes of a net that only runs forward.
        calls: What each of them does in a forward pass that has just been made; None is nothing.
        before: The program that this one replaces.

    Attributes:
        alarm: Rings when something changes that the steps rely on.
        steps: The index of each node that does something, and its calls, in order.
        is_used: Whether the steps have been made to the end, and nothing rang.
    """

    def __init__(
        self, nodes: Sequence[Node], calls: Sequence[Call | None], before: Program | None = None
    ):
        self.alarm = Alarm()
        self._alarms = [Alarm(within=self.alarm) for _ in nodes]
        self._restless = before.restless if before else frozenset()
        self.is_used = False
        self.steps: list[tuple[int, Sequence[Call]]] = []
        for index, call in enumerate(calls):
            if call is None:
                continue
            settled = self._settled(index, nodes[index])
            if settled is None:
                self.steps.append((index, (call,)))
            elif settled:
                self.steps.append((index, settled))

    @property
    def restless(self) -> frozenset[int]:
        """The nodes whose blobs something changes from every pass to the next.

        They are those that have rung before the program could be used even once.
        """
        if self.is_used:
            return self._restless
        rung = (index for index, alarm in enumerate(self._alarms) if not alarm.quiet)
        return self._restless.union(rung)

    def _settled(self, index: int, node: Node) -> Sequence[Call] | None:
        copied = any(not reorder.is_shared for reorder in node.reorders)
        if node.kernel is None or copied or index in self._restless:
            return None
        return node.kernel.settle(self._alarms[index])
