"""Golden cases of fillers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from caffe_core.net import Net
from caffe_core.testing.golden.case import GoldenCase
from caffe_core.testing.golden.compare import Comparison

_SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_SIGMAS = 6.0  # how far a share of a random sample may be off, in standard deviations
_NUMBERS = ("expect_", "tol_")


def run_filler(case: GoldenCase, net_options: dict[str, Any]) -> Comparison:
    """Fill a blob and compare its values, or their distribution."""
    comparison = Comparison()
    with Net(case.prototxt, **net_options) as net:
        net.forward()
        values = net.blobs["x"].data.copy()
    comparison.equal("shape", values.shape, tuple(map(int, case.arrays["shape"])))
    if case.text("kind") == "exact":
        comparison.array("out", values, case.arrays["out"])
    else:
        _compare_distribution(values.astype(np.float64), case, comparison)
    return comparison


def _compare_distribution(values: Any, case: GoldenCase, comparison: Comparison) -> None:
    known = {key: float(case.arrays[key]) for key in case.arrays if key.startswith(_NUMBERS)}
    comparison.within("mean", values.mean(), known["expect_mean"], known["tol_mean"])
    std = known["expect_std"]
    comparison.within("std", values.std(), std, known["tol_std_rel"] * std)
    rounding = 1e-6 * std
    comparison.equal("below expect_min", (values < known["expect_min"] - rounding).sum(), 0)
    comparison.equal("above expect_max", (values > known["expect_max"] + rounding).sum(), 0)
    for share, quantile in zip(_SHARES, case.arrays["quantiles"], strict=True):
        _compare_share(share, float(quantile), values, comparison)
    if "expect_nonzero" in known:
        share = known["expect_nonzero"]
        found = np.count_nonzero(values) / values.size
        comparison.within("nonzero", found, share, _scatter(share, values.size))
    if "expect_item_sum" in known:
        sums = values.reshape(len(values), -1).sum(axis=1)
        comparison.array("item sums", sums, np.full(len(sums), known["expect_item_sum"]))


def _compare_share(share: float, quantile: float, values: Any, comparison: Comparison) -> None:
    """See that about this share of the values is below a quantile of the original's sample."""
    below, up_to = (values < quantile).mean(), (values <= quantile).mean()  # zeros may be many
    nearest = min(max(share, below), up_to)
    scatter = math.sqrt(2) * _scatter(share, values.size)  # both samples scatter
    comparison.within(f"share below {quantile:.4g}", nearest, share, scatter)


def _scatter(share: float, size: int) -> float:
    return _SIGMAS * math.sqrt(share * (1 - share) / size)
