"""How nets and solvers show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from caffe import svg
from caffe.drawing import Drawing
from caffe_core.errors import CaffeError

_WIDTH, _HEIGHT = 480, 120  # pixels of a curve
_SMALL = 50  # layers of a net whose drawing fits a page; that of a larger one is folded away
_LARGE = 500  # layers of a net that is drawn at all; a larger one takes longer than readers wait


def net_html(net: Any) -> str:
    """Return a net's name, its table and, with pydot (``caffe[draw]``), its drawing.

    The drawing needs neither Graphviz nor Matplotlib, and a net of very many layers has none.
    """
    title = f"<h4>{escape(net.name or 'Net')}</h4>"
    return f"{title}{net.summary()._repr_html_()}{_drawing(net._net.param)}"


def solver_html(solver: Any) -> str:
    """Return what a solver does, how far it is, and the curve of its losses."""
    rows = {
        "rule": solver.type or solver.param.type,
        "iteration": f"{solver.iter} of {solver.max_iter}",
        "learning rate": f"{solver.lr:g}",
        "loss": f"{solver.losses[-1]:g}" if len(solver.losses) else "none yet",
        "net": repr(solver.net),
    }
    cells = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in rows.items()
    )
    return f"<table>{cells}</table>{curve(solver.losses)}"


def curve(values: Sequence[float]) -> str:
    """Return numbers as a curve, in SVG; nothing if there are fewer than two."""
    numbers = np.asarray(values, float)
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers) < 2:
        return ""
    numbers = numbers[np.linspace(0, len(numbers) - 1, min(len(numbers), _WIDTH)).astype(int)]
    low, high = numbers.min(), numbers.max()
    across = np.linspace(0, _WIDTH, len(numbers))
    down = _HEIGHT - (numbers - low) / ((high - low) or 1) * _HEIGHT
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 -4 {_WIDTH} {_HEIGHT + 8}">'
        f'<polyline points="{points}" fill="none" stroke="#6495ED" stroke-width="1.5"/>'
        f"<title>{low:g} to {high:g}</title></svg>"
    )


def _drawing(param: Any) -> str:
    """Return a drawing in SVG that can be folded away; nothing if pydot is not installed."""
    from caffe.draw import get_pydot_graph

    if len(param.layer) > _LARGE:
        return (
            f"<p>{len(param.layer)} layers are too many to draw here: "
            "<code>caffe.draw.draw_net_to_file</code> draws them.</p>"
        )
    try:
        graph = get_pydot_graph(param, "TB")
    except CaffeError:
        return ""
    state = " open" if len(param.layer) <= _SMALL else ""
    return f"<details{state}><summary>drawing</summary>{svg.write(Drawing(graph))}</details>"
