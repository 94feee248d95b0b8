"""Any number of items, computed in batches of one size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from caffe_core.errors import CaffeError


def batches(arrays: Mapping[str, Any], size: int) -> Iterator[dict[str, Any]]:
    """Cut arrays of equally many items into batches; the last is padded with zeros.

    Raises:
        CaffeError: There are no arrays, or they differ in length.
    """
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) != 1:
        raise CaffeError(
            f"expected arrays of equally many items, got {counts or 'none'}; give as many of each"
        )
    for start in range(0, next(iter(counts.values())), size):
        yield {name: _padded(array[start : start + size], size) for name, array in arrays.items()}


def all_batches(
    arrays: Mapping[str, Any], size: int, compute: Callable[[dict[str, Any]], Mapping[Any, Any]]
) -> dict[Any, Any]:
    """Compute arrays in batches and join what comes out, without the padding.

    What a batch gives as a single number, such as a loss, is joined to one number a batch.
    """
    parts: dict[Any, list[Any]] = {}
    for batch in batches(arrays, size):
        for name, array in compute(batch).items():
            parts.setdefault(name, []).append(np.atleast_1d(array).copy())
    count = len(next(iter(arrays.values())))
    return {name: np.concatenate(each)[:count] for name, each in parts.items()}


def _padded(items: Any, size: int) -> Any:
    items = np.asarray(items)
    if len(items) == size:
        return items
    return np.concatenate([items, np.zeros((size - len(items), *items.shape[1:]), items.dtype)])
