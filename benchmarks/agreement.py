"""Whether two contenders compute the same. Nothing is timed that does not."""

from __future__ import annotations

import numpy as np

from benchmarks.contenders import Results
from benchmarks.task import Task

_STEP = 7919  # a prime: samples fall on all rows and columns

RUNS = 2
"""Iterations before results are compared: with the second, momentum has its say."""


def tolerance(task: Task, precision: str) -> float:
    """Return how far apart results may be, as `difference` has it.

    Rounding decides which maximum is taken of two that are nearly equal, and to which side of its
    kink a ReLU falls; behind BatchNorm many are near theirs. After two updates VGG-16 is up to 5 %
    off from float64, ResNet-50 and MobileNet up to 6 %, here or in PyTorch.
    """
    if precision != "f32":
        return 0.1
    if not task.training:
        return 1e-4
    normalised = any(layer.type == "BatchNorm" for layer in task.definition().layer)
    return 0.25 if normalised else 0.1


def difference(ours: Results, theirs: Results, task: Task) -> float:
    """Return the relative distance of the results that are farthest apart.

    Probabilities are compared by their logarithms, without the mean: by the scores they came from.
    Between the probabilities of a net with random weights there is little to see.

    Raises:
        ValueError: One side has results that the other has not.
    """
    if ours.keys() != theirs.keys():
        raise ValueError(f"results on one side only: {', '.join(ours.keys() ^ theirs.keys())}")
    distances = [
        _distance(ours[name], theirs[name].reshape(ours[name].shape), task.training)
        for name in ours
    ]
    return float(np.max(distances))  # NaN, if there is any


def sample(now: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return by how much some values of a learned blob, spread over all of it, have changed."""
    step = _STEP if now.size > 10 * _STEP else 1
    return now.reshape(-1)[::step] - start.reshape(-1)[::step]


def _distance(ours: np.ndarray, theirs: np.ndarray, training: bool) -> float:
    a, b = (each.astype(np.float64) for each in (ours, theirs))
    if not training:
        a, b = (np.log(each) - np.log(each).mean() for each in (a, b))
    return float(np.linalg.norm(a - b) / max(np.linalg.norm(b), np.finfo(np.float64).tiny))
