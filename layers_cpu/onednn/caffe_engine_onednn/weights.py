"""Learned blobs in the layout that a primitive wants."""

from __future__ import annotations

from typing import Any

from caffe_core.blob import Blob
from caffe_engine_onednn.kernel import OnednnKernel, Run
from caffe_engine_onednn.library import Arg, library
from caffe_engine_onednn.memory import Descriptor, Memory, new_memory
from caffe_engine_onednn.primitive import Attributes, Recipe


def reorder(
    kernel: OnednnKernel, source: Memory, target: Memory, attributes: Attributes | None = None
) -> Run:
    """Return the call that copies a memory to one of another layout."""
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


class Packed:
    """A copy of a learned blob in another layout, renewed when the blob's version grows.

    Attributes:
        memory: What primitives read.
    """

    def __init__(self, kernel: OnednnKernel, blob: Blob, plain: Descriptor, wanted: Descriptor):
        self._tensor = blob.data_tensor
        source = Memory(plain, self._tensor.read())
        self._copy: Run | None = None
        self._version: Any = None
        self.memory = source
        if plain != wanted:
            self.memory = new_memory(wanted)
            self._copy = reorder(kernel, source, self.memory)

    def refresh(self) -> None:
        """Copy the blob again if it may have changed."""
        if self._copy is not None and self._version != self._tensor.version:
            self._copy()
            self._version = self._tensor.version
