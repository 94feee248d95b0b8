"""Pictures of graphs without Graphviz: SVG by itself, and what Matplotlib writes."""

from __future__ import annotations

import io
from typing import Any

from caffe import svg
from caffe.drawing import FONT, LINE, Arrow, Box, Drawing, Text
from caffe_core.errors import CaffeError

FORMATS = ("eps", "jpeg", "jpg", "pdf", "png", "ps", "svg")

_RESOLUTION = 96  # pixels an inch
_LARGEST = 30000  # pixels


def draw(graph: Any, ext: str) -> bytes:
    """Return a picture of a ``pydot.Dot`` as the bytes of a file.

    Args:
        graph: Its nodes have label, shape (``octagon`` or else a box) and fillcolor.
        ext: What file; one of `FORMATS`.

    Raises:
        CaffeError: Matplotlib is not installed; SVG needs none.
    """
    drawing = Drawing(graph)
    if ext == "svg":
        return f'<?xml version="1.0" encoding="utf-8"?>\n{svg.write(drawing)}\n'.encode()
    return _by_matplotlib(drawing, ext)


def _by_matplotlib(drawing: Drawing, ext: str) -> bytes:
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise CaffeError(
            f"a {ext} file needs Graphviz, whose program `dot` is not on the PATH, or Matplotlib "
            f"({error}): pip install 'caffe[draw]', or write a .svg or .dot file"
        ) from error
    width, height = drawing.size
    with mpl.rc_context({"font.size": FONT}):
        figure = Figure(figsize=(width / 72, height / 72))
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        for arrow in drawing.arrows():
            axes.add_patch(_patch_of_arrow(arrow))
            _write(axes, arrow.label)
        for box in drawing.boxes():
            axes.add_patch(_patch_of_box(box))
            _write(axes, box.label)
        picture = io.BytesIO()
        dpi = min(_RESOLUTION, _LARGEST * 72 / max(width, height))
        figure.savefig(picture, format=ext, dpi=dpi)
    return picture.getvalue()


def _patch_of_arrow(arrow: Arrow) -> Any:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    codes = [Path.MOVETO] + [Path.CURVE4] * (len(arrow.curve) - 1)
    return FancyArrowPatch(
        path=Path(arrow.curve, codes),
        arrowstyle="-|>",
        mutation_scale=FONT,
        facecolor="black",
        linewidth=LINE,
    )


def _patch_of_box(box: Box) -> Any:
    from matplotlib.patches import Polygon

    return Polygon(box.corners, facecolor=box.fill, edgecolor="black", linewidth=LINE)


def _write(axes: Any, text: Text) -> None:
    axes.text(
        *text.place,
        "\n".join(text.lines),
        horizontalalignment=text.across,
        verticalalignment=text.down,
        parse_math=False,
    )
