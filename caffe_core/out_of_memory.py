"""Saying which blob a device had no memory for."""

from __future__ import annotations

from collections.abc import Iterator

from caffe_core.device import Device
from caffe_core.errors import OutOfMemoryError
from caffe_core.graph import Node
from caffe_core.tensor import Tensor


def name_blob(node: Node, device: Device, error: OutOfMemoryError) -> OutOfMemoryError:
    """Return the error with what the memory was for: the first blob of that size not yet there."""
    for name, tensor in _tensors(node):
        if tensor.capacity * tensor.dtype.itemsize == error.size and not tensor.is_on(device):
            return OutOfMemoryError(f"the {name}: {error}", error.size)
    return OutOfMemoryError(f"scratch memory: {error}", error.size)


def _tensors(node: Node) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a node, by what messages call them."""
    named = [
        (f"blob {name!r}", blob) for name, blob in zip(node.bottom_names, node.bottom, strict=True)
    ]
    named += [(f"blob {name!r}", blob) for name, blob in zip(node.top_names, node.top, strict=True)]
    named += [(f"learned blob {index}", blob) for index, blob in enumerate(node.layer.blobs)]
    for name, blob in named:
        yield f"data of {name}", blob.data_tensor
        yield f"diff of {name}", blob.diff_tensor
