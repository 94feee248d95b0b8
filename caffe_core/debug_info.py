"""What ``debug_info`` logs: the mean magnitude of everything that a net computes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_core.graph import Node, Parameter
from caffe_core.tensor import Tensor

log = logging.getLogger("caffe")


def show_forward(node: Node) -> None:
    """Log the tops and learned blobs of a node that has run forward."""
    for name, blob in zip(node.top_names, node.top, strict=True):
        _show("Forward", node, f"top blob {name} data", blob.data_tensor, blob.count)
    for index, blob in enumerate(node.layer.blobs):
        _show("Forward", node, f"param blob {index} data", blob.data_tensor, blob.count)


def show_backward(node: Node) -> None:
    """Log the gradients that a node has computed."""
    if not node.need_backward:
        return
    for name, blob, down in zip(node.bottom_names, node.bottom, node.propagate_down, strict=True):
        if down:
            _show("Backward", node, f"bottom blob {name} diff", blob.diff_tensor, blob.count)
    for index, blob in enumerate(node.layer.blobs):
        if node.layer.param_propagate_down[index]:
            _show("Backward", node, f"param blob {index} diff", blob.diff_tensor, blob.count)


def show_parameters(parameters: Sequence[Parameter]) -> None:
    """Log the norms of all learned blobs and of their gradients."""
    data = [_values(each.blob.data_tensor, each.blob.count) for each in parameters]
    diff = [_values(each.blob.diff_tensor, each.blob.count) for each in parameters]
    log.info(
        "    [Backward] All net params (data, diff): L1 norm = (%g, %g); L2 norm = (%g, %g)",
        *(sum(float(np.abs(values).sum()) for values in side) for side in (data, diff)),
        *(sum(float(np.dot(values, values)) for values in side) ** 0.5 for side in (data, diff)),
    )


def _show(doing: str, node: Node, what: str, tensor: Tensor, count: int) -> None:
    mean = float(np.abs(_values(tensor, count)).mean()) if count else 0.0
    log.info("    [%s] Layer %s, %s: %g", doing, node.name, what, mean)


def _values(tensor: Tensor, count: int) -> Any:
    return tensor.read()[:count]
