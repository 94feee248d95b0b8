"""Drawing what the bottoms and learned blobs of a case hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_core.testing.case import Input


def draw(
    spec: Input, rng: np.random.Generator, dtype: Any, shape: Sequence[int] | None = None
) -> Any:
    """Random numbers that float32 holds exactly, so that every dtype sees the same."""
    shape = tuple(spec.shape if shape is None else shape)
    if spec.low is None:
        values = rng.standard_normal(shape)
    elif spec.integer:
        values = rng.integers(int(spec.low), int(spec.high), shape).astype(np.float64)
    else:
        values = rng.uniform(spec.low, spec.high, shape)
    return np.asarray(values).astype(np.float32).astype(dtype)
