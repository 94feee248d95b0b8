"""Trial: whether the library can run a layer, found out by making its primitives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import CONTIGUOUS, Blob, MemoryFormat
from caffe_core.device import Device
from caffe_core.layer import Layer
from caffe_engine_onednn.library import OnednnError


def why_not(
    kernel_type: Any, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob], device: Device
) -> str | None:
    """Return why the library cannot run `layer`, or runs it only by its slow reference code.

    All primitives are made and none is run, on blobs like the layer's in the memory format that
    the kernel prefers.
    """
    try:
        kernel = kernel_type(layer, device)
        below, above = (_like(blobs, kernel_type.prefers, device) for blobs in (bottom, top))
        kernel.prepare(below, above)
        if all(blob.count for blob in (*bottom, *top)):
            kernel.build_backward(above, [True] * len(bottom), below)
    except OnednnError as error:
        return str(error)
    slow = [each.kind for each in kernel.recipes if each.implementation.startswith("ref")]
    return f"oneDNN has only its reference code for {' and '.join(slow)}" if slow else None


def _like(blobs: Sequence[Blob], preferred: MemoryFormat | None, device: Device) -> list[Blob]:
    """Return blobs of the same shapes. Their memory is never touched, so it costs nothing."""
    copies = [Blob(blob.shape) for blob in blobs]
    for copy in copies:
        copy.format = preferred or CONTIGUOUS
    return [copy.on(device) for copy in copies]
