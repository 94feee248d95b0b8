"""Pictures of graphs as SVG, written without any library."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from math import hypot

from caffe.drawing import FONT, LINE, Arrow, Box, Drawing, Text
from caffe.layered import Point

_ANCHORS = {"left": "start", "center": "middle"}
_LEADING = 1.25 * FONT  # from line to line
_ASCENT = 0.35 * FONT  # from the middle of a line of text to what it stands on


def write(drawing: Drawing) -> str:
    """Return a picture of a graph as an ``<svg>`` element, which HTML may contain."""
    width, height = drawing.size
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.1f}pt" height="{height:.1f}pt" '
        f'viewBox="0 0 {width:.1f} {height:.1f}" font-family="sans-serif" font-size="{FONT:g}">',
        *(line for arrow in drawing.arrows() for line in _arrow(arrow)),
        *(line for box in drawing.boxes() for line in _box(box)),
        "</svg>",
    ]
    return "\n".join(parts)


def _arrow(arrow: Arrow) -> Iterable[str]:
    first, *others = arrow.curve
    yield (
        f'<path d="M{_points([first])}C{_points(others)}" fill="none" stroke="black" '
        f'stroke-width="{LINE}"/>'
    )
    yield f'<polygon points="{_points(_head(*arrow.curve[-2:]))}"/>'
    yield from _text(arrow.label)


def _head(before: Point, tip: Point) -> list[Point]:
    """Return the triangle in which a line that comes from `before` ends."""
    dx, dy = tip[0] - before[0], tip[1] - before[1]
    length = hypot(dx, dy) or 1.0
    along, aside = 0.5 * FONT / length, 0.2 * FONT / length
    x, y = tip[0] - along * dx, tip[1] - along * dy
    return [tip, (x - aside * dy, y + aside * dx), (x + aside * dy, y - aside * dx)]


def _box(box: Box) -> Iterable[str]:
    yield (
        f'<polygon points="{_points(box.corners)}" fill="{escape(box.fill)}" stroke="black" '
        f'stroke-width="{LINE}"/>'
    )
    yield from _text(box.label)


def _text(text: Text) -> Iterable[str]:
    x, y = text.place
    rows = len(text.lines) - 1
    first = y - rows * _LEADING / 2 + _ASCENT if text.down == "center" else y - rows * _LEADING
    for row, line in enumerate(text.lines):
        if line:
            yield (
                f'<text x="{x:.1f}" y="{first + row * _LEADING:.1f}" '
                f'text-anchor="{_ANCHORS[text.across]}">{escape(line)}</text>'
            )


def _points(points: Iterable[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
