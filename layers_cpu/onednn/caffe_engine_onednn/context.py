"""Context: what all primitives of a net share."""

from __future__ import annotations

import weakref
from ctypes import byref, c_void_p

import numpy as np

from caffe_core.device import CPU
from caffe_core.kernel import Workspace
from caffe_engine_onednn.library import check, library
from caffe_engine_onednn.memory import Descriptor, Memory


class Context:
    """What all primitives of a net share, since they run one after the other.

    Attributes:
        stream: Handle of the stream in which they run.
    """

    def __init__(self) -> None:
        in_order = 1
        self.stream = c_void_p()
        create = library().dll.dnnl_stream_create
        check(create(byref(self.stream), library().engine, in_order), "stream")
        self._scratch = CPU.zeros(0, np.dtype(np.uint8))
        self._users: weakref.WeakSet[Memory] = weakref.WeakSet()

    def scratchpad(self, descriptor: Descriptor) -> Memory:
        """Return a memory in the common scratch; it moves when the scratch has to grow."""
        if descriptor.size > len(self._scratch):
            self._scratch = CPU.zeros(descriptor.size, np.dtype(np.uint8))
            for user in self._users:
                user.move(self._scratch)
        memory = Memory(descriptor, self._scratch)
        self._users.add(memory)
        return memory

    def __del__(self) -> None:
        library().dll.dnnl_stream_destroy(self.stream)


_contexts: weakref.WeakKeyDictionary[Workspace, Context] = weakref.WeakKeyDictionary()


def context_of(workspace: Workspace) -> Context:
    """Return the context that belongs to a net's scratch memory."""
    if workspace not in _contexts:
        _contexts[workspace] = Context()
    return _contexts[workspace]
