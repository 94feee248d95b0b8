"""Callbacks: functions called before and after each layer of a net."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import caffe_core

Callback = Callable[[int], object]


class Callbacks:
    """The functions that are called with a layer's index, by when and by what the layer does."""

    def __init__(self, net: caffe_core.Net):
        self._functions: dict[tuple[str, str], list[Callback]] = {}
        self._indices = {id(node): index for index, node in enumerate(net.nodes)}
        net.announce = lambda node, doing: self._call("before", doing, node)
        net.watch = lambda node, doing: self._call("after", doing, node)

    def add(self, when: str, doing: str, callback: Callback) -> None:
        """Call `callback` from now on, after those that were added before it."""
        self._functions.setdefault((when, doing), []).append(callback)

    def _call(self, when: str, doing: str, node: Any) -> None:
        for function in self._functions.get((when, doing), ()):
            function(self._indices[id(node)])
