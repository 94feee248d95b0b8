"""Tables on standard output: by rich on a terminal where it is installed, else plain columns."""

from __future__ import annotations

import sys
from collections.abc import Sequence

Row = Sequence[str]


def print_table(header: Row, rows: Sequence[Row]) -> None:
    """Print `rows` under `header`."""
    if sys.stdout.isatty() and _print_rich(header, rows):
        return
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def _print_rich(header: Row, rows: Sequence[Row]) -> bool:
    """Print with rich; False if it is not installed."""
    try:
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table
    except ImportError:
        return False
    table = Table(*header, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*map(escape, row))
    Console().print(table)
    return True
