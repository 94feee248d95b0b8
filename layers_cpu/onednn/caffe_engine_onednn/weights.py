"""Learned blobs in the layout that a primitive wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from caffe_core.blob import Blob
from caffe_engine_onednn.constants import Arg
from caffe_engine_onednn.kernel import OnednnKernel, Run
from caffe_engine_onednn.library import library
from caffe_engine_onednn.memory import Descriptor, Memory, data_memory, new_memory
from caffe_engine_onednn.primitive import Attributes, Recipe


def reorder(
    kernel: OnednnKernel,
    what: str,
    source: Memory,
    target: Memory,
    attributes: Attributes | None = None,
) -> Run:
    """Return the call that copies a memory to one of another layout; `what` is for the plan."""
    if what not in kernel.copies:
        kernel.copies.append(what)
    recipe = Recipe(
        "reorder",
        source.descriptor,
        library().engine,
        target.descriptor,
        library().engine,
        attributes or Attributes(),
        engine=False,
    )
    return kernel.primitive(recipe, {Arg.SRC: source, Arg.DST: target})


class Fresh:
    """A call that does its work only if some learned blob may have changed since the last time."""

    def __init__(self, blobs: Sequence[Blob], work: Callable[[], object]):
        self._tensors = [blob.data_tensor for blob in blobs]
        self._work = work
        self._version = -1

    def __call__(self) -> None:
        """Do the work if there is need."""
        version, exposed = 0, False
        for tensor in self._tensors:
            version += tensor.version  # none ever falls, so the sum tells whether any has changed
            exposed |= tensor.is_exposed
        if exposed or version != self._version:
            self._work()
            self._version = version


def packed(
    kernel: OnednnKernel, blob: Blob, plain: Descriptor, wanted: Descriptor
) -> tuple[Memory, list[Run]]:
    """Return a blob's data in the layout wanted, and the calls that keep the copy fresh."""
    source = data_memory(blob, plain)
    if plain == wanted:
        return source, []
    copy = new_memory(wanted)
    return copy, [
        Fresh([blob], reorder(kernel, "a learned blob is packed when it has changed", source, copy))
    ]
