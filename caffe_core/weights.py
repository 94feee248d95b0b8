"""Learned blobs in and out of a net: from files and messages, from another net, to files."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caffe_core.blob import Blob
from caffe_core.errors import NetError, did_you_mean

if TYPE_CHECKING:
    from caffe_core.net import Net
    from caffe_core.proto.weights import Weights

log = logging.getLogger("caffe")


def copy_weights(net: Net, source: Any) -> None:
    """Copy the learned blobs of all layers that `net` has too. See `Net.copy_from`."""
    weights, where = _read(source)
    layers = net.layers
    shared = _shared(net)
    for name, stored in weights.layers.items():
        if name not in layers:
            log.info("Ignoring source layer %s", name)
            continue
        blobs = layers[name].blobs
        if weights.owners_only:
            stored = [*stored, *[None] * (len(blobs) - len(stored))]
        _check_number(where, name, len(blobs), len(stored))
        for index, (blob, each) in enumerate(zip(blobs, stored, strict=True)):
            if each is None:
                if id(blob) not in shared:
                    raise NetError(_left_out(where, name, index))
                continue
            if not each.fits(blob.shape):
                raise NetError(_mismatch(where, name, index, blob.shape, each.shape))
            blob.overwrite()[...] = each.data.reshape(blob.shape)
    learned = [name for name, stored in weights.layers.items() if stored]
    if learned and not any(name in layers for name in learned):
        log.warning(
            "%s: no layer of it with learned blobs is in net %r, so nothing was copied.%s",
            where,
            net.name,
            did_you_mean(learned[0], layers),
        )


def share_weights(net: Net, other: Net) -> None:
    """Use the memory of another net's learned blobs. See `Net.share_trained_layers_with`."""
    if other.arena is not None:
        net.arena = None  # only one of them can have its learned blobs in one piece
    layers = net.layers
    for node in other.nodes:
        if node.name not in layers:
            continue
        blobs = layers[node.name].blobs
        where = f"net {other.name!r}"
        _check_number(where, node.name, len(blobs), len(node.layer.blobs))
        for index, (blob, source) in enumerate(zip(blobs, node.layer.blobs, strict=True)):
            if blob.shape != source.shape:
                raise NetError(_mismatch(where, node.name, index, blob.shape, source.shape))
            _share(blob, source, keep=net.arena is not None)


def _share(blob: Blob, source: Blob, *, keep: bool) -> None:
    """Let both use the memory of `source`, or that of `blob`, with the values of `source`."""
    if keep:
        blob.overwrite()[...] = source.read()
        source.share_data(blob)
    else:
        blob.share_data(source)


def save_weights(net: Net, path: str | Path, write_diff: bool) -> None:
    """Write the definition and the learned blobs. See `Net.save`."""
    from caffe_core.proto.weights import write_weights

    write_weights(path, net.param, learned_arrays(net, write_diff))


def learned_arrays(net: Net, write_diff: bool = False) -> dict[str, list[tuple[Any, Any]]]:
    """Return, for each layer, data and diff of its learned blobs; None for diffs not wanted."""
    return {
        node.name: [_arrays(blob, write_diff) for blob in node.layer.blobs] for node in net.nodes
    }


def _arrays(blob: Blob, write_diff: bool) -> tuple[Any, Any]:
    return blob.read(), blob.view(blob.diff_tensor.read()) if write_diff else None


def _read(source: Any) -> tuple[Weights, str]:
    from caffe_core.proto.weights import Weights, read_weights

    if isinstance(source, Weights):
        return source, "the weights"
    if isinstance(source, (str, Path)):
        return read_weights(source), str(source)
    return Weights.from_message(source), f"net {source.name!r}"


def _check_number(where: str, layer: str, expected: int, found: int) -> None:
    if found != expected:
        raise NetError(
            f"{where}: Incompatible number of blobs for layer {layer}: it holds {found}, the net's "
            f"layer has {expected}. Rename the layer to keep its own values"
        )


def _shared(net: Net) -> set[int]:
    """The learned blobs, by id, that use the memory of an earlier one."""
    owners: dict[int, int] = {}
    blobs = [blob for layer in net.layers.values() for blob in layer.blobs]
    return {
        id(each) for each in blobs if owners.setdefault(id(each.data_tensor), id(each)) != id(each)
    }


def _left_out(where: str, layer: str, index: int) -> str:
    return (
        f"{where}: Incompatible number of blobs for layer {layer}: param {index} is not there, as "
        "the net that was saved shares it and this net does not. Share it, or rename the layer"
    )


def _mismatch(
    where: str, layer: str, index: int, expected: Sequence[int], found: Sequence[int]
) -> str:
    return (
        f"{where}: Cannot copy param {index} weights from layer '{layer}'; shape mismatch. "
        f"Source param shape is {tuple(found)}; target param shape is {tuple(expected)}. "
        "Rename the layer to learn it from scratch"
    )
