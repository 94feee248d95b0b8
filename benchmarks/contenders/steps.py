"""A trained net as a list of steps, for those who translate it.

What only Caffe has is gone: learned blobs are arrays, values are written once, splits and idle
dropouts are other names of a value, and a Scale after BatchNorm is part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contenders import Unavailable
from caffe_core.proto.weights import read_weights


@dataclass
class Step:
    """One operation.

    Attributes:
        layer: The ``LayerParameter``.
        bottom: Values that it reads.
        top: The value that it writes.
        blobs: Its learned blobs.
        in_place: Whether nobody reads the first bottom any more.
        scale: The Scale layer that follows, and its blobs: for BatchNorm only.
    """

    layer: Any
    bottom: list[str]
    top: str
    blobs: list[np.ndarray]
    in_place: bool
    scale: tuple[Any, list[np.ndarray]] | None = None


@dataclass
class Steps:
    """A net.

    Attributes:
        inputs: The shape of each input.
        steps: What is done, in order.
        outputs: Values that nobody reads, by the names of their blobs.
    """

    inputs: dict[str, tuple[int, ...]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)


def read_steps(weights: Path, training: bool) -> Steps:
    """Return the net in a caffemodel.

    Raises:
        Unavailable: A layer has several tops and is neither Input nor Split.
    """
    saved = read_weights(weights)
    found = Steps()
    names: dict[str, str] = {}  # of the values that blobs hold by now
    for layer in saved.param.layer:
        blobs = [each.data.reshape(each.shape) for each in saved.layers.get(layer.name, ())]
        if layer.type == "Input":
            _add_input(found, layer, names)
        elif layer.type == "Split" or (layer.type == "Dropout" and not training):
            names |= dict.fromkeys(layer.top, names[layer.bottom[0]])
        elif _follows_batch_norm(found, layer, names):
            found.steps[-1].scale = (layer, blobs)
            names[layer.top[0]] = found.steps[-1].top
        else:
            _add_step(found, layer, blobs, names)
    read = {bottom for step in found.steps for bottom in step.bottom}
    found.outputs = {blob: value for blob, value in names.items() if value not in read}
    return found


def _add_input(found: Steps, layer: Any, names: dict[str, str]) -> None:
    shapes = [tuple(shape.dim) for shape in layer.input_param.shape]
    found.inputs[layer.top[0]] = shapes[0]
    names[layer.top[0]] = layer.top[0]


def _add_step(found: Steps, layer: Any, blobs: list[np.ndarray], names: dict[str, str]) -> None:
    if len(layer.top) != 1:
        raise Unavailable(f"{layer.name} ({layer.type}) has {len(layer.top)} tops")
    bottom = [names[each] for each in layer.bottom]
    in_place = list(layer.top) == list(layer.bottom)
    names[layer.top[0]] = layer.name
    found.steps.append(Step(layer, bottom, layer.name, blobs, in_place))


def _follows_batch_norm(found: Steps, layer: Any, names: dict[str, str]) -> bool:
    if layer.type != "Scale" or not found.steps:
        return False
    last = found.steps[-1]
    return last.layer.type == "BatchNorm" and names[layer.bottom[0]] == last.top


def one(values: Any, default: int) -> int:
    """Return the single value of a field that may have one for each axis.

    Raises:
        Unavailable: There are several.
    """
    if len(values) > 1:
        raise Unavailable("different values for each axis are not translated")
    return values[0] if values else default
