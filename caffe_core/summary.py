"""Summary: what a net consists of and costs, layer by layer and in total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from caffe_core.graph import Node


@dataclass(frozen=True)
class LayerSummary:
    """What a layer makes and costs.

    Attributes:
        name: Name of the layer.
        type: Type of the layer.
        bottom: Names of the blobs that it reads.
        top: Names of the blobs that it writes.
        shapes: Shapes of the tops.
        parameters: Learned values that no earlier layer has.
        multiply_adds: Multiplications by learned values, in a forward.
        memory: Bytes of the tops' data that no earlier blob holds.
    """

    name: str
    type: str
    bottom: list[str]
    top: list[str]
    shapes: list[tuple[int, ...]]
    parameters: int
    multiply_adds: int
    memory: int


class Summary:
    """The layers of a net with what they make and cost.

    Printed, it is a table; in a notebook too.

    Attributes:
        name: Name of the net.
        layers: The layers, in order.
        parameters: Learned values.
        multiply_adds: Multiplications by learned values, in a forward.
        memory: Bytes of all activations, if every blob is kept.
    """

    def __init__(self, name: str, nodes: Sequence[Node]):
        self.name = name
        seen: set[int] = set()
        self.layers = [_summarize(node, seen) for node in nodes]
        self.parameters = sum(each.parameters for each in self.layers)
        self.multiply_adds = sum(each.multiply_adds for each in self.layers)
        self.memory = sum(each.memory for each in self.layers)

    def rows(self) -> list[list[str]]:
        """Return the cells of the table: `HEADER`, a row for each layer, the totals."""
        cells = [
            [
                each.name,
                each.type,
                " ".join(each.bottom),
                " ".join(map(_shape, each.shapes)),
                *_numbers(each),
            ]
            for each in self.layers
        ]
        return [[*HEADER], *cells, ["total", "", "", "", *_numbers(self)]]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as values of JSON."""
        totals = {
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "memory": self.memory,
        }
        return {"name": self.name, **totals, "layers": [asdict(each) for each in self.layers]}

    def __str__(self) -> str:
        rows = self.rows()
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
        first_number = len(HEADER) - 3
        lines = [
            "  ".join(
                cell.rjust(width) if column >= first_number else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape

        head, *body = (
            "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row)
            for row, tag in zip(
                self.rows(), ["th"] + ["td"] * len(self.layers) + ["th"], strict=True
            )
        )
        rows = "".join(f"<tr>{row}</tr>" for row in body)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


HEADER = ("layer", "type", "bottoms", "tops", "parameters", "multiply-adds", "memory")


def _summarize(node: Node, seen: set[int]) -> LayerSummary:
    learned = [blob for blob in node.layer.blobs if _is_new(blob, seen)]
    made = [top for top in node.top if _is_new(top, seen)]
    return LayerSummary(
        node.name,
        node.layer.type,
        list(node.bottom_names),
        list(node.top_names),
        [top.shape for top in node.top],
        sum(blob.count for blob in learned),
        node.layer.multiply_adds(node.bottom, node.top),
        sum(top.count * top.dtype.itemsize for top in made),
    )


def _is_new(blob: Any, seen: set[int]) -> bool:
    """Whether no earlier blob has the memory of this one's data."""
    before = len(seen)
    seen.add(id(blob.data_tensor))
    return len(seen) > before


def _numbers(each: Any) -> list[str]:
    return [
        f"{each.parameters:,}",
        f"{each.multiply_adds:,}",
        f"{each.memory / 2**20:.2f} MiB",
    ]


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "1"
