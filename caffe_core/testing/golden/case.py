"""GoldenCase: one file of reference values."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from caffe_core.errors import ParseError

_KINDS = {"filler": "filler", "solver": "solver", "level": "net", "nforward": "layer"}


def find_cases(folder: str | Path) -> list[GoldenCase]:
    """Return every case in a folder and the folders below it, in order of their names."""
    return [GoldenCase(path, Path(folder)) for path in sorted(Path(folder).rglob("*.npz"))]


class GoldenCase:
    """One ``.npz`` file, read when it is first asked for something.

    Args:
        path: The file.
        root: The folder from which `name` counts.
    """

    def __init__(self, path: Path, root: Path):
        self.path = path
        self.name = path.relative_to(root).as_posix()

    def __repr__(self) -> str:
        return f"<GoldenCase {self.name}>"

    @cached_property
    def arrays(self) -> dict[str, Any]:
        """Everything in the file.

        Raises:
            ParseError: The file is no case.
        """
        try:
            with self.path.open("rb") as file, np.load(file) as stored:
                arrays = {key: stored[key] for key in stored.files}
        except (OSError, ValueError, BadZipFile) as error:
            raise ParseError(f"{self.path}: is no golden case: {error}") from error
        if "prototxt" not in arrays or not _KINDS.keys() & arrays.keys():
            raise ParseError(f"{self.path}: is no golden case: it holds {', '.join(arrays)}")
        return arrays

    @property
    def kind(self) -> str:
        """``layer``, ``net``, ``solver`` or ``filler``."""
        return next(kind for key, kind in _KINDS.items() if key in self.arrays)

    @property
    def prototxt(self) -> str:
        """The net."""
        return self.text("prototxt")

    def text(self, key: str) -> str:
        """Return a string."""
        return str(self.arrays[key])

    def names(self, key: str) -> list[str]:
        """Return a list of strings; empty where there is none."""
        return [str(each) for each in self.arrays.get(key, [])]

    def number(self, key: str, default: int = 0) -> int:
        """Return a count."""
        return int(self.arrays.get(key, default))

    def each(self, kind: str) -> dict[str, Any]:
        """Return the arrays whose key is ``kind:rest``, by the rest."""
        start = f"{kind}:"
        return {
            key[len(start) :]: value for key, value in self.arrays.items() if key.startswith(start)
        }

    @contextlib.contextmanager
    def folder(self) -> Iterator[Path]:
        """Work in a new folder with a copy of the side files, if there are any."""
        before = Path.cwd()
        with tempfile.TemporaryDirectory() as temporary:
            if "files" in self.arrays:
                side_files = self.path.parent / self.text("files")
                shutil.copytree(side_files, temporary, dirs_exist_ok=True)
            os.chdir(temporary)
            try:
                yield Path(temporary)
            finally:
                os.chdir(before)
