"""The index of docs/layers, with what all layers have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caffe_core.proto import caffe_pb2
from tools.layer_pages import comments
from tools.layer_pages.families import FAMILIES
from tools.layer_pages.markdown import from_docstring, link, table
from tools.layer_pages.page import NOTICE, summary
from tools.layer_pages.parameters import SHARED, fields_table

_OPENING = """\
One page a type: what it computes, its parameters with their defaults, and examples, which are what
the [contract](../testing.md) tests it on. Kernels are listed by engine: `caffe` is the plain one,
NumPy on the CPU; `--engines` and `engine` in the prototxt choose another. A type that you
[write yourself](../write-a-layer.md) is found as these are."""


def index(types: Sequence[str]) -> str:
    """Return the page that leads to those of `types`."""
    paragraphs = [NOTICE, "# Layers", _OPENING, *_families(types), *_common()]
    return "\n\n".join(paragraphs) + "\n"


def _families(types: Sequence[str]) -> Iterator[str]:
    for family, members in FAMILIES.items():
        present = [name for name in members if name in types]
        yield f"## {family}"
        yield table(["type", ""], ([link(name, types), summary(name)] for name in present))


def _common() -> Iterator[str]:
    layer = caffe_pb2.LayerParameter.DESCRIPTOR
    own = [field.name for field in layer.fields if not field.name.endswith("_param")]
    yield "## What every layer takes"
    yield fields_table(layer, own)
    for name in SHARED:
        yield f"### {name}"
        yield from_docstring(comments.of_message(name))
        yield fields_table(getattr(caffe_pb2, name).DESCRIPTOR)
