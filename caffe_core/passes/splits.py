"""The pass that inserts a Split layer wherever a blob is used more than once."""

from __future__ import annotations

from collections import Counter
from typing import Any

from caffe_core.errors import NetError, did_you_mean
from caffe_core.graph import Graph

Top = tuple[int, int]  # a layer's index and the index of one of its tops


def insert_splits(graph: Graph) -> list[str]:
    """Give every reader of a blob a copy of its own, so that gradients add up in one place.

    Being a weighted loss counts as a use. Split layers and their blobs have Caffe's names:
    ``<blob>_<layer>_<i>_split`` and ``<blob>_<layer>_<i>_split_<k>``.

    Raises:
        NetError: A layer reads a blob that no layer before it makes, or overwrites one that is used
            elsewhere too.
    """
    layers = list(graph.param.layer)
    sources, uses, weights = _trace(layers)
    taken: Counter[Top] = Counter()
    result, notes = [], []
    for index, layer in enumerate(layers):
        for position, blob in enumerate(layer.bottom):
            source = sources[index, position]
            if uses[source] > 1:
                _check_not_in_place(layer, position)
                layer.bottom[position] = _copy_name(layers, source, blob, taken[source])
                taken[source] += 1
        result.append(layer)
        for position, blob in enumerate(layer.top):
            top = (index, position)
            if uses[top] > 1:
                split = _split(graph.param, layers, top, blob, uses[top], weights.get(top, 0.0))
                if weights.get(top):
                    layer.loss_weight[position] = 0
                    taken[top] += 1
                result.append(split)
                notes.append(f"{split.name} gives {uses[top]} readers a copy of {blob}")
    del graph.param.layer[:]
    graph.param.layer.extend(result)
    return notes


def _trace(
    layers: list[Any],
) -> tuple[dict[tuple[int, int], Top], Counter[Top], dict[Top, float]]:
    """Find which top each bottom reads, how often each is used, and the loss weights of tops."""
    latest: dict[str, Top] = {}
    sources: dict[tuple[int, int], Top] = {}
    uses: Counter[Top] = Counter()
    weights: dict[Top, float] = {}
    for index, layer in enumerate(layers):
        for position, blob in enumerate(layer.bottom):
            if blob not in latest:
                raise NetError(_unknown(layers, layer, position))
            sources[index, position] = latest[blob]
            uses[latest[blob]] += 1
        latest.update({blob: (index, position) for position, blob in enumerate(layer.top)})
        for blob, weight in zip(layer.top, layer.loss_weight, strict=False):
            weights[latest[blob]] = weight
            uses[latest[blob]] += bool(weight)
    return sources, uses, weights


def _check_not_in_place(layer: Any, position: int) -> None:
    blob = layer.bottom[position]
    if position < len(layer.top) and layer.top[position] == blob:
        raise NetError(
            f"{layer.name} ({layer.type}): Top blob '{blob}' produced by multiple sources: the "
            f"layer cannot run in place, since its bottom '{blob}' is used elsewhere too; "
            "give its top another name"
        )


def _unknown(layers: list[Any], reader: Any, position: int) -> str:
    blob = reader.bottom[position]
    tops = {top for layer in layers for top in layer.top}
    if blob in tops:
        advice = " It is made by a later layer; move that layer up."
    else:
        advice = f"{did_you_mean(blob, tops)} Layers that make it may be left out in this phase."
    return (
        f"Unknown bottom blob '{blob}' (layer '{reader.name}', bottom index {position}): "
        f"no earlier layer has a top of that name.{advice}"
    )


def _stem(layers: list[Any], top: Top, blob: str) -> str:
    return f"{blob}_{layers[top[0]].name}_{top[1]}_split"


def _copy_name(layers: list[Any], top: Top, blob: str, copy: int) -> str:
    return f"{_stem(layers, top, blob)}_{copy}"


def _split(net: Any, layers: list[Any], top: Top, blob: str, copies: int, weight: float) -> Any:
    split = type(net)().layer.add()
    split.name = _stem(layers, top, blob)
    split.type = "Split"
    split.bottom.append(blob)
    split.top.extend(_copy_name(layers, top, blob, copy) for copy in range(copies))
    if weight:
        split.loss_weight.extend([weight] + [0.0] * (copies - 1))
    return split
