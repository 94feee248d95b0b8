"""Drawings of nets: layers and blobs as nodes of a graph.

Graphviz lays them out, through pydot: ``pip install caffe[draw]``, and the program ``dot`` of the
system's package ``graphviz``. Without the program, ``.dot`` and ``.gv`` files can be written.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from caffe.messages import own_messages
from caffe_core.errors import CaffeError
from caffe_core.proto import caffe_pb2

LAYER_STYLE_DEFAULT = {"shape": "record", "fillcolor": "#6495ED", "style": "filled"}
NEURON_LAYER_STYLE = {"shape": "record", "fillcolor": "#90EE90", "style": "filled"}
BLOB_STYLE = {"shape": "octagon", "fillcolor": "#E0E0E0", "style": "filled"}

_COLORS = {
    "Convolution": "#FF5050",
    "Deconvolution": "#FF5050",
    "Pooling": "#FF9900",
    "InnerProduct": "#CC33FF",
}
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
        caffe_net: The ``NetParameter``.
        rankdir: Where it grows to: ``LR``, ``TB``, ``BT`` or ``RL``.
        label_edges: Write at each edge what comes out of the layer.
        phase: Leave out what is not for this phase; None shows all.
        display_lrm: Show the factors of learning rates.

    Raises:
        CaffeError: pydot is not installed.
    """
    pydot = _pydot()
    graph = pydot.Dot(
        _quoted(caffe_net.name or "Net"), graph_type="digraph", rankdir=_quoted(rankdir)
    )
    layers = [each for each in caffe_net.layer if phase is None or _is_for(each, phase)]
    for blob in dict.fromkeys(blob for each in layers for blob in (*each.bottom, *each.top)):
        graph.add_node(pydot.Node(_blob_id(blob), label=_quoted(blob), **_quote_all(BLOB_STYLE)))
    for index, layer in enumerate(layers):
        node = _quoted(f"layer {index} {layer.name}")
        style = {**LAYER_STYLE_DEFAULT, "fillcolor": choose_color_by_layertype(layer.type)}
        if list(layer.bottom) == list(layer.top) and len(layer.top) == 1:
            style = NEURON_LAYER_STYLE
        label = get_layer_label(layer, rankdir, display_lrm)
        graph.add_node(pydot.Node(node, label=label, **_quote_all(style)))
        for blob in layer.bottom:
            graph.add_edge(pydot.Edge(_blob_id(blob), node, label='""'))
        for blob in layer.top:
            label = get_edge_label(layer) if label_edges else '""'
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
        caffe_net: The ``NetParameter``.
        rankdir: Where it grows to: ``LR``, ``TB``, ``BT`` or ``RL``.
        ext: What file: ``png``, ``svg``, ``pdf``, ..., or ``dot`` for Graphviz's own text.
        phase: Leave out what is not for this phase; None shows all.
        display_lrm: Show the factors of learning rates.

    Raises:
        CaffeError: pydot or Graphviz is not installed, or cannot write such a file.
    """
    graph = get_pydot_graph(caffe_net, rankdir, phase=phase, display_lrm=display_lrm)
    if ext in _TEXT_FORMATS:
        return graph.to_string().encode()
    if shutil.which("dot") is None:
        raise CaffeError(
            f"a {ext} file needs Graphviz, whose program `dot` is not on the PATH: install the "
            "package graphviz of your system, or write a .dot file"
        )
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
    ext = Path(filename).suffix[1:] or "png"
    picture = draw_net(caffe_net, rankdir, ext, phase, display_lrm)
    Path(filename).write_bytes(picture)


def get_pooling_types_dict() -> dict[int, str]:
    """Return the names of pooling methods by number."""
    values = caffe_pb2.PoolingParameter.DESCRIPTOR.enum_types_by_name["PoolMethod"].values
    return {value.number: value.name for value in values}


def get_edge_label(layer: Any) -> str:
    """Return how many items or channels come out of a layer, in quotes; nothing if it varies."""
    if layer.type == "Data":
        return _quoted(f"Batch {layer.data_param.batch_size}")
    if layer.type in ("Convolution", "Deconvolution"):
        return _quoted(layer.convolution_param.num_output)
    if layer.type == "InnerProduct":
        return _quoted(layer.inner_product_param.num_output)
    return '""'


def get_layer_label(layer: Any, rankdir: str, display_lrm: bool = False) -> str:
    """Return what stands in the node of a layer: name, type, window, learning rates; in quotes."""
    separator = " " if rankdir in ("TB", "BT") else r"\n"  # wide nodes for tall graphs
    parts = [layer.name, f"({layer.type})"]
    if layer.type in ("Convolution", "Deconvolution", "Pooling"):
        (param,) = own_messages(layer).values()
        if layer.type == "Pooling":
            method = get_pooling_types_dict()[param.pool]
            parts[-1] = f"({method} {layer.type})"
        for name, unset in (("kernel_size", 1), ("stride", 1), ("pad", 0)):
            parts.append(f"{name.replace('_', ' ')}: {_first(param, name, unset)}")
    lr_mult = get_layer_lr_mult(layer) if display_lrm else ""
    return _quoted(separator.join([*parts, *([lr_mult] if lr_mult else [])]))


def get_layer_lr_mult(layer: Any) -> str:
    """Return the factors of a layer's learning rates: ``lr_mult: [1.0, 2.0]``, or nothing."""
    if layer.type not in ("Convolution", "Deconvolution", "InnerProduct"):
        return ""
    factors = [round(each.lr_mult, 6) for each in layer.param] or [1.0, 1.0]
    return f"lr_mult: {factors}"


def choose_color_by_layertype(layertype: str) -> str:
    """Return the color of a type of layers."""
    return _COLORS.get(layertype, LAYER_STYLE_DEFAULT["fillcolor"])


def _first(param: Any, name: str, unset: int) -> Any:
    """Return a length for all axes, or those for height and width."""
    value = getattr(param, name)
    given = [value] if isinstance(value, int) and param.HasField(name) else []
    found = given if isinstance(value, int) else list(value)
    stem = name.removesuffix("_size")
    apart = [getattr(param, f"{stem}_{way}") for way in "hw"]
    if not found and any(apart):
        found = apart
    return "x".join(map(str, found)) if found else unset


def _is_for(layer: Any, phase: int) -> bool:
    included = not layer.include or any(
        not rule.HasField("phase") or rule.phase == phase for rule in layer.include
    )
    return included and not any(rule.phase == phase for rule in layer.exclude)


def _blob_id(name: str) -> str:
    return _quoted(f"{name}_blob")


def _quoted(value: Any) -> str:
    text = str(value).replace('"', r"\"")
    return f'"{text}"'


def _quote_all(style: dict[str, str]) -> dict[str, str]:
    return {name: _quoted(value) for name, value in style.items()}


def _pydot() -> Any:
    try:
        import pydot
    except ImportError as error:
        raise CaffeError(f"drawing needs pydot ({error}): pip install 'caffe[draw]'") from error
    return pydot
