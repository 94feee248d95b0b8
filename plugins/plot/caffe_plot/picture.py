"""The picture of a training run. Needs no display."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from caffe_plot.curves import Curves, extremes, smoothed, thinned

_WIDE = 20.0  # a loss that falls by this factor needs a logarithmic axis
_MARKED = 40  # up to so many tests are marked one by one


def draw(curves: Curves) -> Figure:
    """Return a figure of losses and test outputs over iterations, above the learning rate."""
    figure = Figure(figsize=(9, 5.5), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    rates = np.asarray(curves.rates)
    if len(set(curves.rates)) > 1:
        axis, below = figure.subplots(2, 1, sharex=True, height_ratios=[5, 1])
        below.plot(*thinned(np.asarray(curves.iterations), rates), color="C7")
        below.set_ylabel("learning rate")
        _tidy(below)
        bottom = below
    else:
        axis = bottom = figure.subplots()
    bottom.set_xlabel("iteration")
    axis.set_title(curves.title)
    axis.set_ylabel("loss")
    _tidy(axis)
    lines = [*_draw_losses(axis, curves), *_draw_outputs(axis, curves)]
    figure.legend(
        handles=lines, loc="outside lower center", ncols=min(len(lines), 4), frameon=False
    )
    return figure


def _draw_losses(axis: Any, curves: Curves) -> list[Any]:
    x, y = np.asarray(curves.iterations), np.asarray(curves.losses)
    lines = []
    if len(x):
        mean = smoothed(y)
        axis.plot(*extremes(x, y), color="C0", linewidth=0.6, alpha=0.35)
        lines += axis.plot(*thinned(x, mean), color="C0", linewidth=2, label="training loss")
        if _spans(mean):
            axis.set_yscale("log")
    shades = iter(["C1", "C3", "C5", "C6"] * len(curves.tests))
    for label, test in curves.tests.items():
        if test.is_loss:
            lines += _draw_test(axis, label, test, next(shades))
    return lines


def _draw_outputs(axis: Any, curves: Curves) -> list[Any]:
    """Draw what is no loss on an axis of its own, at the right."""
    outputs = {label: test for label, test in curves.tests.items() if not test.is_loss}
    if not outputs:
        return []
    right = axis.twinx()
    right.spines.top.set_visible(False)
    right.set_ylabel("accuracy" if all("acc" in label for label in outputs) else "test outputs")
    shades = iter(["C2", "C4", "C8", "C9"] * len(outputs))
    lines = []
    for label, test in outputs.items():
        lines += _draw_test(right, f"{label} ({test.values[-1]:.4g})", test, next(shades))
    values = [value for test in outputs.values() for value in test.values]
    low = min(values)
    if low >= 0 and max(values) <= 1:
        right.set_ylim(max(low - 0.05 * (1 - low), 0), 1)
    return lines


def _draw_test(axis: Any, label: str, test: Any, color: str) -> list[Any]:
    marker = "o" if len(test.values) <= _MARKED else ""
    style = {"color": color, "marker": marker, "markersize": 4, "linewidth": 1.6, "clip_on": False}
    lines: list[Any] = axis.plot(test.iterations, test.values, label=label, **style)
    return lines


def _spans(values: np.ndarray) -> bool:
    finite = values[np.isfinite(values)]
    return bool(len(finite)) and finite.min() > 0 and finite.max() / finite.min() > _WIDE


def _tidy(axis: Any) -> None:
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
