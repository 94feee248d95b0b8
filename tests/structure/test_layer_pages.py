"""docs/layers has a page for each layer type of this tree, and says what the source says."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import pytest

from caffe_core import registry
from caffe_core.proto import caffe_pb2, text
from caffe_core.testing.contract import cases_of


@pytest.fixture(scope="module")
def tools(root):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root))
        names = ("comments", "families", "markdown", "parameters", "tree")
        modules = {name: importlib.import_module(f"tools.layer_pages.{name}") for name in names}
        yield SimpleNamespace(pages=importlib.import_module("tools.layer_pages").pages, **modules)


@pytest.fixture(scope="module")
def layer_types(members):
    """The types that the distributions of this tree supply."""
    entries = [entry for member in members for entry in member.entry_points]
    return {name for group, name, _ in entries if group == "caffe.layers"}


def test_there_is_a_page_for_each_type_and_no_other(root, layer_types):
    pages = {file.stem for file in (root / "docs" / "layers").iterdir()}
    assert pages == {"README", *layer_types}


def test_pages_are_current(root, tools):
    folder = root / "docs" / "layers"
    stale = [
        name
        for name, content in tools.pages().items()
        if not (folder / name).is_file() or (folder / name).read_text("utf-8") != content
    ]
    assert stale == [], "run `make docs`"


def test_each_type_is_in_one_family(tools, layer_types):
    sorted_in = [name for members in tools.families.FAMILIES.values() for name in members]
    assert sorted(sorted_in) == sorted(layer_types)


def test_the_index_leads_to_each_page(root, layer_types):
    index = (root / "docs" / "layers" / "README.md").read_text("utf-8")
    assert [name for name in layer_types if f"[{name}]({name}.md)" not in index] == []
    assert "(docs/layers/README.md)" in (root / "README.md").read_text("utf-8")


def test_what_examples_set_is_described(tools, layer_types):
    """The messages a type reads are found in its source; its cases must not know of others."""
    for name in layer_types:
        found = registry.layers[name]
        described = {field.name for field in tools.parameters.parameter_fields(found)}
        for case in cases_of(found):
            layer = text.parse(f'type: "{name}" {case.params}', caffe_pb2.LayerParameter)
            given = {field.name for field, _ in layer.ListFields() if field.message_type}
            assert given - {"param", "include", "exclude", "blobs"} <= described, name


def test_each_parameter_of_caffe_is_explained(tools):
    layer = caffe_pb2.LayerParameter.DESCRIPTOR
    shared = [getattr(caffe_pb2, name).DESCRIPTOR for name in tools.parameters.SHARED]
    own = [field.message_type for field in layer.fields if field.name.endswith("_param")]
    silent = [
        f"{message.name}.{field.name}"
        for message in [*own, *shared]
        for field in message.fields
        if not tools.comments.of_field(
            message.name, field.name, getattr(field.enum_type, "name", "")
        )
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("docstring", "markdown"),
    [
        ("``axis`` of\n``shape``", "`axis` of\n`shape`"),
        ("``(N,\nC)``", "`(N,\nC)`"),
        ("as `ReLU`, not `Other`", "as [ReLU](ReLU.md), not `Other`"),
        ("Bottoms: x. Tops: y", "**Bottoms**: x. **Tops**: y"),
        ("Learned blobs, if any: w", "**Learned blobs**, if any: w"),
        ("Bottom and top are equal. Tops that", "Bottom and top are equal. Tops that"),
        ("So::\n\n    x", "So:\n\n    x"),
    ],
)
def test_docstrings_become_markdown(tools, docstring, markdown):
    assert tools.markdown.from_docstring(docstring, ["ReLU"]) == markdown


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("a bank of filters", "A bank of filters"),
        ("leaky", "Leaky"),
        ("while training, each", "While training, each"),
        ("e ^ x, scaled", "e ^ x, scaled"),
        ("y = |x|", "y = |x|"),
        ("", ""),
    ],
)
def test_a_formula_gets_no_capital(tools, words, expected):
    assert tools.markdown.sentence(words) == expected


def test_a_bar_does_not_end_a_cell(tools):
    written = tools.markdown.table(["a", ""], [["|x|", "two\nlines"]])
    assert written.splitlines()[2] == r"| \|x\| | two lines |"
