"""The page of a layer type."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Iterator, Sequence

from caffe_core import registry
from caffe_core.layer import Layer
from tools.layer_pages.examples import Examples, examples
from tools.layer_pages.markdown import from_docstring, sentence, table
from tools.layer_pages.parameters import parameter_tables
from tools.layer_pages.tree import Supplier, kernel_suppliers, layer_supplier

NOTICE = "<!-- Made by `make docs` from the source. Edit that. -->"
_NO_PARAMETERS = "None but [those of every layer](README.md#what-every-layer-takes)."


def page(name: str, types: Sequence[str]) -> str:
    """Return the page of the layer type `name`, one of `types`."""
    layer_type = registry.layers[name]
    found = examples(name)
    paragraphs = [
        NOTICE,
        f"# {name}",
        sentence(summary(name)),
        from_docstring(inspect.getdoc(layer_type) or "", types),
        table(["", ""], _facts(name, layer_type, found)),
        "## Parameters",
        *(list(parameter_tables(name, layer_type)) or [_NO_PARAMETERS]),
        "## Examples",
        "Above each stand the shapes of its bottoms → tops.",
        *found.markdown(),
    ]
    return "\n\n".join(paragraphs) + "\n"


def summary(name: str) -> str:
    """Return the line that says what a layer type is or computes, in Markdown."""
    package = importlib.import_module(registry.layers[name].__module__.partition(".")[0])
    first, *_ = (package.__doc__ or "").split("\n\n")
    return from_docstring(first.removeprefix(f"{name}: "))


def _facts(name: str, layer_type: type[Layer], found: Examples) -> Iterator[tuple[str, str]]:
    yield "Bottoms", str(layer_type.bottoms)
    yield "Tops", "one for each bottom" if layer_type.equal_counts else str(layer_type.tops)
    if layer_type.is_loss:
        yield "Loss", "the first top counts in the objective, with weight 1 unless told otherwise"
    if layer_type.bottoms.most != 0:
        yield "In place", _answer(facts.inplace for facts in found.facts)
        yield "Elementwise", _answer(facts.elementwise for facts in found.facts)
        yield "Gradient", _answer(found.has_backward)
    if all(facts.shares_bottom for facts in found.facts):
        yield "Memory", "the tops use that of the bottom"
    if any(facts.dynamic for facts in found.facts):
        yield "Shapes", "may change from one forward to the next"
    yield "Kernels", _kernels(name, found)
    yield "Distribution", _link(layer_supplier(name))


def _answer(values: Iterable[bool]) -> str:
    answers = set(values)
    if len(answers) > 1:
        return "depends on parameters and bottoms"
    return "yes" if True in answers else "no"


def _kernels(name: str, found: Examples) -> str:
    cuda = f"CUDA: {_engines(name, 'cuda')}"
    if all(facts.host_only for facts in found.facts):
        apart = set(kernel_suppliers("cuda", name).values()) - {layer_supplier(name)}
        cuda = f"{cuda}, or on the host" if apart else "on the host, whatever the device"
    return f"CPU: {_engines(name, 'cpu')}; {cuda}"


def _engines(name: str, device: str) -> str:
    home = layer_supplier(name)
    suppliers = kernel_suppliers(device, name).items()
    return ", ".join(_engine(engine, by, home) for engine, by in suppliers) or "none yet"


def _engine(engine: str, supplier: Supplier, home: Supplier) -> str:
    return f"`{engine}`" if supplier == home else f"`{engine}` from {_link(supplier)}"


def _link(supplier: Supplier) -> str:
    return f"[{supplier.name}](../../{supplier.folder})"
