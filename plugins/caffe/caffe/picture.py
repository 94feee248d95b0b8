"""Pictures of graphs without Graphviz, drawn by Matplotlib."""

from __future__ import annotations

import io
import re
from itertools import pairwise
from typing import Any

from caffe.layered import Point, lay_out
from caffe_core.errors import CaffeError

FORMATS = ("eps", "jpeg", "jpg", "pdf", "png", "ps", "svg")

_FONT = 10.0  # all lengths are in points
_LINE = 0.8
_MARGIN = 8.0
_GAP = 30.0
_RESOLUTION = 96  # pixels an inch
_LARGEST = 30000  # pixels


def draw(graph: Any, ext: str) -> bytes:
    """Return a picture of a ``pydot.Dot`` as the bytes of a file.

    Args:
        graph: Its nodes have label, shape (``octagon`` or else a box) and fillcolor.
        ext: What file; one of `FORMATS`.

    Raises:
        CaffeError: Matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise CaffeError(
            f"a {ext} file needs Graphviz, whose program `dot` is not on the PATH, or Matplotlib "
            f"({error}): pip install 'caffe[draw]', or write a .dot file"
        ) from error
    with mpl.rc_context({"svg.fonttype": "none", "font.size": _FONT}):
        plan = _Plan(graph)
        width, height = (length + 2 * _MARGIN for length in plan.size)
        figure = Figure(figsize=(width / 72, height / 72))
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        plan.draw_on(axes)
        picture = io.BytesIO()
        dpi = min(_RESOLUTION, _LARGEST * 72 / max(width, height))
        figure.savefig(picture, format=ext, dpi=dpi)
    return picture.getvalue()


class _Plan:
    """Where the nodes and edges of a graph are.

    Attributes:
        size: Of the whole: width and height.
    """

    def __init__(self, graph: Any):
        self._rankdir = _plain(graph.get_rankdir() or "TB")
        self._nodes = {_plain(node.get_name()): node for node in graph.get_nodes()}
        self._edges = {
            (_plain(edge.get_source()), _plain(edge.get_destination())): _label(edge)
            for edge in graph.get_edges()
        }
        self._sizes = {name: _size(node) for name, node in self._nodes.items()}
        labels = [_text_size(label) for label in self._edges.values()]
        self._upright = self._rankdir in ("TB", "BT")
        widest = max((width for width, _ in labels), default=0)
        self._layout = lay_out(
            {name: self._turned(size) for name, size in self._sizes.items()},
            self._edges,
            along_gap=_GAP if self._upright else _GAP + widest,
            across_gap=_FONT,
        )
        self.size = self._turned(self._layout.size)

    def draw_on(self, axes: Any) -> None:
        """Draw edges, then nodes."""
        from matplotlib.patches import FancyArrowPatch
        from matplotlib.path import Path

        for edge, label in self._edges.items():
            points = [self._place(point) for point in self._layout.routes.get(edge, [])]
            if not points:
                continue
            path = _curve(points, self._upright)
            arrow = FancyArrowPatch(
                path=Path(path, [Path.MOVETO] + [Path.CURVE4] * (len(path) - 1)),
                arrowstyle="-|>",
                mutation_scale=_FONT,
                facecolor="black",
                linewidth=_LINE,
            )
            axes.add_patch(arrow)
            (x0, y0), (x1, y1) = points[:2]
            sides = ("left", "center") if self._upright else ("center", "bottom")
            _write(axes, (x0 + x1) / 2, (y0 + y1) / 2, label, *sides)
        for name, node in self._nodes.items():
            x, y = self._place(self._layout.centres[name])
            axes.add_patch(_shape(node, x, y, *self._sizes[name]))
            _write(axes, x, y, _label(node), "center", "center")

    def _turned(self, size: Point) -> Point:
        """Return width and height as lengths along and across, or the other way."""
        return (size[1], size[0]) if self._upright else size

    def _place(self, point: Point) -> Point:
        """Return where a point of the layout is in the picture."""
        along, across = point
        if self._rankdir in ("BT", "RL"):
            along = self._layout.size[0] - along
        x, y = self._turned((along, across))
        return x + _MARGIN, y + _MARGIN


def _curve(points: list[Point], upright: bool) -> list[Point]:
    """Return a cubic curve through points, which leaves and reaches each along the rows."""
    path = points[:1]
    for (x0, y0), (x1, y1) in pairwise(points):
        if upright:
            path += [(x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2), (x1, y1)]
        else:
            path += [((x0 + x1) / 2, y0), ((x0 + x1) / 2, y1), (x1, y1)]
    return path


def _shape(node: Any, x: float, y: float, width: float, height: float) -> Any:
    from matplotlib.patches import Polygon

    w, h = width / 2, height / 2
    cut = 0.6 * h if _plain(node.get_shape() or "") == "octagon" else 0.0
    corner = [(w, h - cut), (w - cut, h)]  # one, cut off; the others are its mirror images
    corners = [
        *corner,
        *((-dx, dy) for dx, dy in reversed(corner)),
        *((-dx, -dy) for dx, dy in corner),
        *((dx, -dy) for dx, dy in reversed(corner)),
    ]
    return Polygon(
        [(x + dx, y + dy) for dx, dy in corners],
        facecolor=_plain(node.get_fillcolor() or "white"),
        edgecolor="black",
        linewidth=_LINE,
    )


def _write(axes: Any, x: float, y: float, text: str, across: str, down: str) -> None:
    axes.text(x, y, text, horizontalalignment=across, verticalalignment=down, parse_math=False)


def _size(node: Any) -> Point:
    width, height = _text_size(_label(node))
    return width + 1.6 * _FONT, height + _FONT


def _text_size(text: str) -> Point:
    """Return width and height of text, about."""
    lines = text.split("\n")
    return 0.62 * _FONT * max(map(len, lines)), 1.25 * _FONT * len(lines)


def _label(item: Any) -> str:
    """Return the text of a node or an edge, without what escapes characters in dot."""
    text = _plain(item.get_label() or "")
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)


def _plain(text: Any) -> str:
    """Return text of dot without quotes."""
    return str(text).removeprefix('"').removesuffix('"')
