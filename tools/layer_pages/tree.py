"""What the distributions of this tree supply, whether they are installed or not."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any, NamedTuple

from caffe_core.passes.kernels import PLAIN

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "layers"


class Supplier(NamedTuple):
    """A distribution that supplies a layer type or a kernel: its name and its folder."""

    name: str
    folder: str


def layer_types() -> list[str]:
    """Return the name of every layer type, sorted."""
    return sorted(_claims("caffe.layers"), key=str.lower)


def layer_supplier(layer_type: str) -> Supplier:
    """Return the distribution that supplies a layer type."""
    return _claims("caffe.layers")[layer_type]


def kernel_suppliers(device: str, layer_type: str) -> dict[str, Supplier]:
    """Return who supplies the kernels of a layer type on ``cpu`` or ``cuda``, by engine."""
    claims = sorted(_claims(f"caffe.kernels.{device}").items())
    parts = ((name.partition("."), supplier) for name, supplier in claims)
    return {engine or PLAIN: by for (base, _, engine), by in parts if base == layer_type}


def _claims(group: str) -> dict[str, Supplier]:
    """Every name of an entry-point group."""
    return {
        name: Supplier(project["name"], folder)
        for folder, project in _projects().items()
        for name in project.get("entry-points", {}).get(group, ())
    }


@functools.cache
def _projects() -> dict[str, Any]:
    """The table ``project`` of each distribution with layers or kernels, by folder."""
    return {
        file.parent.relative_to(ROOT).as_posix(): tomllib.loads(file.read_text())["project"]
        for pattern in ("layers_*/*", "examples/plugins/*")
        for file in sorted(ROOT.glob(f"{pattern}/pyproject.toml"))
    }
