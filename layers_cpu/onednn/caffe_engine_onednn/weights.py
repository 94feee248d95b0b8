"""Learned blobs in the layout that a primitive wants."""

from __future__ import annotations

from caffe_core.blob import Blob
from caffe_engine_onednn.constants import Arg
from caffe_engine_onednn.fresh import Fresh
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
