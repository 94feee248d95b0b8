"""Where the nodes and edges of a ``pydot.Dot`` are in a picture, and how they look."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from caffe.layered import Point, lay_out

FONT = 10.0  # all lengths are in points
LINE = 0.8

_MARGIN = 8.0
_GAP = 30.0


@dataclass
class Text:
    """Words in a picture.

    Attributes:
        lines: The words, line by line.
        place: x to the right, y downwards.
        across: What stands at x: the ``left`` or the ``center`` of the words.
        down: What stands at y: the ``center`` or the ``bottom`` of the words.
    """

    lines: list[str]
    place: Point
    across: str = "center"
    down: str = "center"


@dataclass
class Arrow:
    """An edge: the points of a cubic curve, each third of which it passes, and its label."""

    curve: list[Point]
    label: Text


@dataclass
class Box:
    """A node: its corners, its color and its label."""

    corners: list[Point]
    fill: str
    label: Text


class Drawing:
    """Where everything is.

    Attributes:
        size: Of the whole: width and height.
    """

    def __init__(self, graph: Any):
        self._rankdir = _plain(graph.get_rankdir() or "TB")
        self._nodes = {_plain(node.get_name()): node for node in graph.get_nodes()}
        self._edges = {
            (_plain(edge.get_source()), _plain(edge.get_destination())): _lines(edge)
            for edge in graph.get_edges()
        }
        self._labels = {name: _lines(node) for name, node in self._nodes.items()}
        self._sizes = {name: _box_size(lines) for name, lines in self._labels.items()}
        self._upright = self._rankdir not in ("LR", "RL")  # also in ``UD``, which notebooks ask for
        widest = max((_text_size(lines)[0] for lines in self._edges.values()), default=0)
        self._layout = lay_out(
            {name: self._turned(size) for name, size in self._sizes.items()},
            self._edges,
            along_gap=_GAP if self._upright else _GAP + widest,
            across_gap=FONT,
        )
        width, height = self._turned(self._layout.size)
        self.size = width + 2 * _MARGIN, height + 2 * _MARGIN

    def arrows(self) -> Iterator[Arrow]:
        """Yield the edges."""
        sides = ("left", "center") if self._upright else ("center", "bottom")
        for edge, lines in self._edges.items():
            points = [self._place(point) for point in self._layout.routes.get(edge, [])]
            if points:
                (x0, y0), (x1, y1) = points[:2]
                label = Text(lines, ((x0 + x1) / 2, (y0 + y1) / 2), *sides)
                yield Arrow(_curve(points, self._upright), label)

    def boxes(self) -> Iterator[Box]:
        """Yield the nodes."""
        for name, node in self._nodes.items():
            place = self._place(self._layout.centres[name])
            cut = _plain(node.get_shape() or "") == "octagon"
            fill = _plain(node.get_fillcolor() or "white")
            yield Box(
                _corners(place, self._sizes[name], cut), fill, Text(self._labels[name], place)
            )

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


def _corners(place: Point, size: Point, cut: bool) -> list[Point]:
    """Return the corners of a box, cut off or not."""
    (x, y), (w, h) = place, (size[0] / 2, size[1] / 2)
    if not cut:
        return [(x + w, y - h), (x + w, y + h), (x - w, y + h), (x - w, y - h)]
    c = 0.6 * h
    corner = [(w, h - c), (w - c, h)]  # the others are its mirror images
    corners = [
        *corner,
        *((-dx, dy) for dx, dy in reversed(corner)),
        *((-dx, -dy) for dx, dy in corner),
        *((dx, -dy) for dx, dy in reversed(corner)),
    ]
    return [(x + dx, y + dy) for dx, dy in corners]


def _box_size(lines: list[str]) -> Point:
    width, height = _text_size(lines)
    return width + 1.6 * FONT, height + FONT


def _text_size(lines: list[str]) -> Point:
    """Return width and height of text, about."""
    return 0.62 * FONT * max(map(len, lines)), 1.25 * FONT * len(lines)


def _lines(item: Any) -> list[str]:
    """Return the text of a node or an edge, without what escapes characters in dot."""
    text = _plain(item.get_label() or "")
    shown = re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)
    return shown.split("\n")


def _plain(text: Any) -> str:
    """Return text of dot without quotes."""
    return str(text).removeprefix('"').removesuffix('"')
