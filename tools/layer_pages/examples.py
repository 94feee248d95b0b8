"""The cases of a layer type as examples: prototxt, and the shapes that come of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from caffe_core import registry
from caffe_core.blob import Blob
from caffe_core.layer import Facts
from caffe_core.proto import caffe_pb2, text
from caffe_core.testing.bench import Bench
from caffe_core.testing.case import Case
from caffe_core.testing.contract import case_folder, cases_of
from caffe_core.testing.setting import Setting
from tools.layer_pages.markdown import code, from_docstring, sentence

_LONGEST = 4000  # characters of a file that is shown


@dataclass
class Examples:
    """All cases of a type, set up.

    Attributes:
        facts: Of each layer.
        has_backward: Whether the kernel computes any gradient.
        shown: Each prototxt with what there is to say of it, in the order of the cases.
        files: Text files that the layers read, by name.
    """

    facts: list[Facts] = field(default_factory=list)
    has_backward: list[bool] = field(default_factory=list)
    shown: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def add(self, layer_type: str, case: Case, bench: Bench) -> None:
        """Add a case, which is set up on the bench."""
        self.facts.append(bench.layer.facts)
        self.has_backward.append(bench.has_backward)
        prototxt = _prototxt(layer_type, case, len(bench.top))
        self.shown.setdefault(prototxt, []).append(_caption(case, bench))

    def markdown(self) -> Iterator[str]:
        """Yield the paragraphs."""
        for prototxt, captions in self.shown.items():
            yield "  \n".join(captions)
            yield code(prototxt)
        for name, content in self.files.items():
            yield f"`{name}`, which is read here:"
            yield code(content, "python" if name.endswith(".py") else "")


def examples(layer_type: str) -> Examples:
    """Set up every case of a layer type."""
    found = Examples()
    for case in cases_of(registry.layers[layer_type]):
        with case_folder(case):
            if case.files is not None:
                found.files.update(_text_files(Path()))
            with contextlib.closing(_set_up(layer_type, case)) as bench:
                found.add(layer_type, case, bench)
    return found


def _set_up(layer_type: str, case: Case) -> Bench:
    kernel = registry.kernels("cpu")[layer_type]
    bench = Bench(Setting(layer_type, registry.layers[layer_type], kernel, case))
    if bench.layer.facts.dynamic:
        bench.forward()
    return bench


def _prototxt(layer_type: str, case: Case, tops: int) -> str:
    name = registry.stem(layer_type).replace("-", "_")
    lines = [f'name: "{name}" type: "{layer_type}"']
    lines += [f'bottom: "{each}"' for each in _numbered("bottom", len(case.bottom))]
    lines += [f'top: "{each}"' for each in _numbered("top", tops)]
    layer = text.parse("\n".join([*lines, case.params]), caffe_pb2.LayerParameter, layer_type)
    return text.format(caffe_pb2.NetParameter(layer=[layer]))


def _numbered(noun: str, count: int) -> list[str]:
    return [noun] if count == 1 else [f"{noun}{index}" for index in range(count)]


def _caption(case: Case, bench: Bench) -> str:
    notes = [from_docstring(case.note)] if case.note else []
    notes += ["in phase TEST"] if case.phase == "TEST" and "TEST" not in case.note else []
    said = f"{sentence(', '.join(notes))}: " if notes else ""
    learned = [blob.shape for blob in bench.layer.blobs]
    tail = f"; learned: {_shapes(learned)}" if learned else ""
    return f"{said}{_blobs(bench.bottom)} → {_blobs(bench.top)}{tail}"


def _blobs(blobs: Sequence[Blob]) -> str:
    return _shapes(blob.shape for blob in blobs) or "nothing"


def _shapes(shapes: Iterable[tuple[int, ...]]) -> str:
    return ", ".join(f"`{shape}`" for shape in shapes)


def _text_files(folder: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(folder.rglob("*")):
        content = file.read_bytes() if file.is_file() else b"\0"
        if b"\0" not in content and len(content) <= _LONGEST:
            yield file.as_posix(), content.decode().strip("\n")
