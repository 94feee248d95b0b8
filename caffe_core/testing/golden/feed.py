"""Putting a case's values into a net and taking them out."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_core.net import Net
from caffe_core.testing.golden.case import GoldenCase


def set_memory_data(net: Net, case: GoldenCase) -> None:
    """Give the arrays of a case, if it has any, to the net's MemoryData layer."""
    arrays = case.each("mem")
    if not arrays:
        return
    for layer in net.layers.values():
        if layer.type == "MemoryData":
            layer.set_arrays(arrays["data"], arrays["label"])  # type: ignore[attr-defined]


def set_blobs(net: Net, values: dict[str, Any]) -> None:
    """Write values into blobs."""
    for name, value in values.items():
        net.blobs[name].data[...] = value


def set_params(net: Net, values: dict[str, Any]) -> None:
    """Write values, whose names are ``layer:index``, into learned blobs."""
    for name, value in values.items():
        layer, _, index = name.rpartition(":")
        net.params[layer][int(index)].data[...] = value


def set_top_diffs(net: Net, values: dict[str, Any]) -> None:
    """Write diffs into blobs; those of the other outputs become 0."""
    for name in net.outputs:
        net.blobs[name].diff.fill(0)
    for name, value in values.items():
        net.blobs[name].diff[...] = value


def blob_data(net: Net) -> dict[str, Any]:
    """Return a copy of every blob."""
    return {name: blob.data.copy() for name, blob in net.blobs.items()}


def blob_diffs(net: Net) -> dict[str, Any]:
    """Return a copy of every blob's diff."""
    return {name: blob.diff.copy() for name, blob in net.blobs.items()}


def param_data(net: Net) -> dict[str, Any]:
    """Return a copy of every learned blob, named ``layer:index``."""
    return {
        f"{layer}:{index}": blob.data.copy()
        for layer, blobs in net.params.items()
        for index, blob in enumerate(blobs)
    }


def param_diffs(net: Net) -> dict[str, Any]:
    """Return a copy of every learned blob's diff, named ``layer:index``."""
    return {
        f"{layer}:{index}": blob.diff.copy()
        for layer, blobs in net.params.items()
        for index, blob in enumerate(blobs)
    }


def at_pass(values: dict[str, Any], index: int, passes: int) -> dict[str, Any]:
    """Return what arrays with one entry for each of several passes hold for one of them."""
    if passes == 1:
        return values
    return {name: np.asarray(value)[index] for name, value in values.items()}
