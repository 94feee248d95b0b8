"""Window files: images, and rectangles in them with their class and their overlap with an object.

For each image a line ``# INDEX``, then its path, channels, height, width and number of windows on
lines of their own, then a line ``CLASS OVERLAP X1 Y1 X2 Y2`` for each window.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from caffe_core.data.source import missing
from caffe_core.errors import DataError
from caffe_layer_window_data.rows import (
    OVERLAP,
    ROW,
    Line,
    first_unusable,
    numbered,
    table_of,
)

_HEADER = ("# INDEX", "PATH", "CHANNELS", "HEIGHT", "WIDTH", "NUMBER OF WINDOWS")


class Window(NamedTuple):
    """A rectangle in an image.

    Attributes:
        line: Its line in the file, from 1.
        image: Which image of the file it is in, from 0.
        label: Its class; 0 is background.
        x1: First column.
        y1: First row.
        x2: Last column, which is in it.
        y2: Last row, which is in it.
    """

    line: int
    image: int
    label: int
    x1: int
    y1: int
    x2: int
    y2: int


class WindowFile:
    """What a window file holds.

    Attributes:
        path: The file.
        images: The path of each image.
        foreground: A row for each window that overlaps an object, with the fields of `Window`.
        background: A row for each that does not.

    Args:
        path: The file.
        least: The least overlap of a foreground window.
        limit: The overlap that a background window does not reach. Windows that are neither one nor
            the other are left out.

    Raises:
        DataError: The file does not exist, is empty, or has a line that cannot be used.
    """

    def __init__(self, path: str, least: float, limit: float):
        if not os.path.isfile(path):
            raise missing(path, "window file")
        self.path = path
        self.images: list[str] = []
        self._least, self._limit = np.float32(least), np.float32(limit)
        kinds: tuple[list[Any], list[Any]] = ([], [])
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = numbered(file)
            for start in lines:
                for kind, windows in zip(kinds, self._image(start, lines), strict=True):
                    kind.append(windows)
        if not self.images:
            raise DataError(f"{path!r} is empty: expected the lines {', '.join(_HEADER)}, {ROW}")
        self.foreground, self.background = map(np.concatenate, kinds)

    def error(self, line: int, problem: object) -> DataError:
        """Return an error about a line, to be raised."""
        return DataError(f"{self.path}:{line}: {problem}")

    def _image(self, start: Line, lines: Iterator[Line]) -> tuple[Any, Any]:
        """Read an image that starts with a certain line; return its windows of both kinds."""
        if not start[1].startswith("#"):
            raise self._unexpected(start, _HEADER[0])
        header = [self._next(lines, what) for what in _HEADER[1:]]
        for line, what in zip(header[1:], _HEADER[2:], strict=True):
            if not line[1].isdecimal():
                raise self._unexpected(line, f"{what}, a whole number")
        last, count = header[-1][0], int(header[-1][1])
        rows = list(itertools.islice(lines, count))
        if len(rows) < count:
            raise self.error(last, f"{count} windows are announced, the file has {len(rows)} more")
        self.images.append(header[0][1])
        return self._split(rows)

    def _split(self, rows: list[Line]) -> tuple[Any, Any]:
        """Return the foreground and the background windows among the rows of an image."""
        table = table_of(rows)
        if table is None:
            raise self._unexpected(first_unusable(rows), ROW)
        windows = np.empty((len(rows), len(Window._fields)), np.int32)
        windows[:, 0] = [number for number, _ in rows]
        windows[:, 1] = len(self.images) - 1
        windows[:, 2:] = np.delete(table, OVERLAP, axis=1)
        overlap = table[:, OVERLAP].astype(np.float32)
        foreground = overlap >= self._least
        background = ~foreground & (overlap < self._limit)
        unnamed = windows[foreground & (windows[:, 2] < 1)]
        if len(unnamed):
            line, _, label = unnamed[0, :3]
            raise self.error(
                line,
                f"a window of class {label} overlaps an object enough to be foreground, whose "
                "classes are 1 and above; correct the class, or raise fg_threshold",
            )
        windows[background, 2] = 0
        return windows[foreground], windows[background]

    def _next(self, lines: Iterator[Line], what: str) -> Line:
        line = next(lines, None)
        if line is None:
            raise DataError(f"{self.path!r} ends where {what} is expected; it is incomplete")
        return line

    def _unexpected(self, line: Line, expected: str) -> DataError:
        return self.error(line[0], f"expected {expected}, found {line[1]!r}")
