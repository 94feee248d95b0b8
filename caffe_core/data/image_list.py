"""Lists of labelled images: text files with a line ``NAME LABEL`` for each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from caffe_core.data.source import missing
from caffe_core.errors import DataError


class ListedImage(NamedTuple):
    """A line of a list."""

    name: str
    label: int
    line: int
    """Number of the line, from 1."""


def read_list(path: str) -> list[ListedImage]:
    """Return what a list names, in its order; a name may have spaces.

    Raises:
        DataError: The list does not exist, is empty, or a line has no label.
    """
    if not os.path.isfile(path):
        raise missing(path, "list of images")
    lines = []
    text = Path(path).read_text("utf-8", "surrogateescape")
    for number, line in enumerate(text.split("\n"), 1):
        parts = line.strip().rsplit(maxsplit=1)
        if not parts:
            continue
        if len(parts) < 2 or not parts[1].lstrip("+-").isdecimal():
            raise DataError(
                f"{path}:{number}: expected `NAME LABEL` with a whole number, found {line!r}"
            )
        lines.append(ListedImage(parts[0], int(parts[1]), number))
    if not lines:
        raise DataError(f"{path!r} names no images; expected a line `NAME LABEL` for each")
    return lines
