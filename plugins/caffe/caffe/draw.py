"""Drawings of nets: layers and blobs as nodes of a graph.

``pip install caffe[draw]``. Graphviz draws them, if its program ``dot`` is installed; if not,
`caffe.picture` draws the same graph in a simpler way, with Matplotlib. ``.dot`` and ``.svg`` files
need neither.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from caffe import picture
from caffe_core.errors import CaffeError
from caffe_core.proto import caffe_pb2
from caffe_core.proto.files import load_net

LAYER_STYLE_DEFAULT = {"shape": "record", "fillcolor": "#6495ED", "style": "filled"}
NEURON_LAYER_STYLE = {"shape": "record", "fillcolor": "#90EE90", "style": "filled"}
BLOB_STYLE = {"shape": "octagon", "fillcolor": "#E0E0E0", "style": "filled"}

_COLORS = {
    "Convolution": "#FF5050",
    "Deconvolution": "#FF5050",
    "Pooling": "#FF9900",
    "InnerProduct": "#CC33FF",
}
_LEARNING = ("Convolution", "Deconvolution", "InnerProduct")
_TEXT_FORMATS = ("dot", "gv", "raw")


def get_pydot_graph(
    caffe_net: Any,
    rankdir: str,
    label_edges: bool = True,
    phase: int | None = None,
    display_lrm: bool = False,
) -> Any:
    """Return a net as a ``pydot.Dot``.

    Args:
        caffe_net: The ``NetParameter``, or a prototxt or its path.
        rankdir: Where it grows to: ``LR``, ``TB``, ``BT`` or ``RL``.
        label_edges: Write at each edge what comes out of the layer.
        phase: Leave out what is not for this phase; None shows all.
        display_lrm: Show the factors of learning rates.

    Raises:
        CaffeError: pydot is not installed.
    """
    pydot = _pydot()
    caffe_net = load_net(caffe_net)
    graph = pydot.Dot(
        _quoted(caffe_net.name or "Net"), graph_type="digraph", rankdir=_quoted(rankdir)
    )
    layers = [each for each in caffe_net.layer if phase is None or _is_for(each, phase)]
    for blob in dict.fromkeys(blob for each in layers for blob in (*each.bottom, *each.top)):
        graph.add_node(pydot.Node(_blob_id(blob), label=_quoted(blob), **_quote_all(BLOB_STYLE)))
    for index, layer in enumerate(layers):
        node = _quoted(f"layer {index} {layer.name}")
        label = _in_record(get_layer_label(layer, rankdir, display_lrm))
        graph.add_node(pydot.Node(node, label=label, **_quote_all(_style(layer))))
        for blob in layer.bottom:
            graph.add_edge(pydot.Edge(_blob_id(blob), node, label=_quoted("")))
        for blob in layer.top:
            label = _quoted(get_edge_label(layer).strip('"') if label_edges else "")
            graph.add_edge(pydot.Edge(node, _blob_id(blob), label=label))
    return graph


def draw_net(
    caffe_net: Any,
    rankdir: str,
    ext: str = "png",
    phase: int | None = None,
    display_lrm: bool = False,
) -> bytes:
    """Return a picture of a net as the bytes of a file.

    Args:
        caffe_net: The ``NetParameter``, or a prototxt or its path.
        rankdir: Where it grows to: ``LR``, ``TB``, ``BT`` or ``RL``.
        ext: What file: ``png``, ``svg``, ``pdf``, ..., or ``dot`` for Graphviz's own text.
        phase: Leave out what is not for this phase; None shows all.
        display_lrm: Show the factors of learning rates.

    Raises:
        CaffeError: pydot is not installed, or nothing that is writes such files.
    """
    graph = get_pydot_graph(caffe_net, rankdir, phase=phase, display_lrm=display_lrm)
    if ext in _TEXT_FORMATS:
        return bytes(graph.to_string(), "utf-8")
    if shutil.which("dot") is None:
        if ext not in picture.FORMATS:
            raise CaffeError(
                f"a {ext} file needs Graphviz, whose program `dot` is not on the PATH; "
                f"without it there are {', '.join((*_TEXT_FORMATS, *picture.FORMATS))}"
            )
        return picture.draw(graph, ext)
    try:
        return bytes(graph.create(format=ext))
    except (OSError, AssertionError) as error:
        raise CaffeError(f"Graphviz cannot write a {ext} file: {error}") from error


def draw_net_to_file(
    caffe_net: Any,
    filename: str | Path,
    rankdir: str = "LR",
    phase: int | None = None,
    display_lrm: bool = False,
) -> None:
    """Write a picture of a net to a file; its suffix says what picture. See `draw_net`."""
    ext = Path(filename).suffix[1:].lower() or "png"
    Path(filename).write_bytes(draw_net(caffe_net, rankdir, ext, phase, display_lrm))


def get_pooling_types_dict() -> dict[int, str]:
    """Return the names of pooling methods by number."""
    values = caffe_pb2.PoolingParameter.DESCRIPTOR.enum_types_by_name["PoolMethod"].values
    return {value.number: value.name for value in values}


def get_edge_label(layer: Any) -> str:
    """Return how many items or channels come out of a layer; ``""`` in quotes if that varies."""
    if layer.type == "Data":
        return f"Batch {layer.data_param.batch_size}"
    if layer.type in ("Convolution", "Deconvolution"):
        return str(layer.convolution_param.num_output)
    if layer.type == "InnerProduct":
        return str(layer.inner_product_param.num_output)
    return '""'


def get_layer_label(layer: Any, rankdir: str, display_lrm: bool = False) -> str:
    """Return what stands in the node of a layer: name, type, window, learning rates; in quotes."""
    separator = " " if rankdir in ("TB", "BT") else r"\n"  # wide nodes for tall graphs
    parts = [layer.name, f"({layer.type})"]
    if layer.type == "Pooling":
        method = get_pooling_types_dict()[layer.pooling_param.pool]
        parts = [layer.name, f"({layer.type} {method})", *_window(layer.pooling_param)]
    if layer.type in ("Convolution", "Deconvolution"):
        parts += _window(layer.convolution_param)
    if display_lrm and layer.type in _LEARNING:
        factors = get_layer_lr_mult(layer)
        if any(factors):
            parts.append("lr mult: {:.1f}, {:.1f}".format(*factors))
    return _quoted(separator.join(parts))


def get_layer_lr_mult(layer: Any) -> tuple[float, float]:
    """Return the factors of a layer's learning rates, for weight and bias.

    Raises:
        ValueError: The layer is neither a convolution nor an inner product.
    """
    if layer.type not in _LEARNING:
        raise ValueError(
            f"{layer.name} ({layer.type}): only {', '.join(_LEARNING)} layers have factors to show"
        )
    weight, bias, *_ = (*(each.lr_mult for each in layer.param), 1.0, 1.0)
    return weight, bias


def choose_color_by_layertype(layertype: str) -> str:
    """Return the color of a type of layers."""
    return _COLORS.get(layertype, LAYER_STYLE_DEFAULT["fillcolor"])


def _style(layer: Any) -> dict[str, str]:
    if len(layer.top) == 1 and layer.top == layer.bottom:
        return NEURON_LAYER_STYLE
    return {**LAYER_STYLE_DEFAULT, "fillcolor": choose_color_by_layertype(layer.type)}


def _window(param: Any) -> list[str]:
    """Return kernel size, stride and padding of a convolution or a pooling, for people."""
    if getattr(param, "global_pooling", False):
        return ["kernel size: all"]
    lengths = (("kernel size", "kernel_size", 1), ("stride", "stride", 1), ("pad", "pad", 0))
    return [f"{words}: {_length(param, name, unset)}" for words, name, unset in lengths]


def _length(param: Any, name: str, unset: int) -> str:
    """Return a length for all axes as ``3``, lengths that differ as ``3x5``."""
    value = getattr(param, name)
    found = list(value) if not isinstance(value, int) else [value] * param.HasField(name)
    stem = name.removesuffix("_size")
    apart = [getattr(param, f"{stem}_{way}") for way in "hw"]
    if not found:
        found = apart if any(apart) else [unset]
    return "x".join(map(str, found if len(set(found)) > 1 else found[:1]))


def _is_for(layer: Any, phase: int) -> bool:
    """Whether a layer is in the net of a phase, as far as its rules speak of phases."""
    included = not layer.include or any(
        not rule.HasField("phase") or rule.phase == phase for rule in layer.include
    )
    excluded = any(rule.HasField("phase") and rule.phase == phase for rule in layer.exclude)
    return included and not excluded


def _blob_id(name: str) -> str:
    return _quoted(f"{name}_blob")


def _quoted(value: Any) -> str:
    text = str(value).replace('"', r"\"")
    return f'"{text}"'


def _quote_all(style: dict[str, str]) -> dict[str, str]:
    return {name: _quoted(value) for name, value in style.items()}


def _in_record(label: str) -> str:
    """Return a label without what divides a node of shape ``record`` into parts."""
    return re.sub(r"([{}|<>])", r"\\\1", label)


def _pydot() -> Any:
    try:
        import pydot
    except ImportError as error:
        raise CaffeError(f"drawing needs pydot ({error}): pip install 'caffe[draw]'") from error
    return pydot
