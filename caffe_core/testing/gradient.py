"""Gradient checker: does backward compute the derivative of forward?

Three ways, all by central differences:

- `directional` steps once along a random direction for each array: two forwards an array, however
  large. Any wrong element shows, with probability one, but not which.
- `elementwise` steps along one element at a time, all or a sample, and names the wrong ones. It is
  what Caffe's GradientChecker does.
- `check` runs the first, and on a mismatch the second, and raises.

They work on a `Function`; `of_bench` makes one of a layer and kernel, `of_net` one of a whole net::

    from caffe_core.testing import gradient
    gradient.check(gradient.of_net(Net(prototxt, Phase.TRAIN, dtype=np.float64)))
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from caffe_core.net import Net
    from caffe_core.testing.bench import Bench

_SHOWN = 5  # mismatches listed; more tell no more


@dataclass(frozen=True)
class Function:
    """A number that depends on arrays, and what is said to be its gradient.

    Attributes:
        variables: The arrays, by name. Writing to them changes `value`.
        value: Returns the number.
        gradient: Returns the derivative of `value` by each variable, at their present values.
        dtype: The precision in which `value` is computed.
    """

    variables: Mapping[str, Any]
    value: Callable[[], float]
    gradient: Callable[[], Mapping[str, Any]]
    dtype: np.dtype[Any]

    @property
    def step(self) -> float:
        """A step that balances rounding against curvature; Caffe's own for float32."""
        return 1e-6 if self.dtype.itemsize == 8 else 1e-2

    @property
    def tolerance(self) -> float:
        """The relative error to expect of such a step."""
        return 1e-5 if self.dtype.itemsize == 8 else 2e-2


@dataclass(frozen=True)
class Mismatch:
    """A derivative that backward gets wrong.

    Attributes:
        variable: Name of the array.
        index: The element; None if it is the derivative along a direction.
        found: What backward says.
        expected: What differences of forward say.
    """

    variable: str
    index: tuple[int, ...] | None
    found: float
    expected: float

    def __str__(self) -> str:
        where = "along a random direction" if self.index is None else f"at {self.index}"
        return (
            f"the derivative by {self.variable} {where} is {self.expected:.9g} by differences "
            f"of forward, {self.found:.9g} by backward"
        )


def of_bench(bench: Bench) -> Function:
    """Return the sum of a bench's tops, weighted by their diffs, as a function of all it reads."""
    variables = {
        f"bottom {index}": values
        for index, values in enumerate(bench.bottom_values)
        if bench.wanted[index]
    }
    learned = bench.layer.param_propagate_down
    for index, values in enumerate(bench.blob_values):
        if learned[index]:
            variables[f"learned blob {index}"] = values

    def gradient() -> dict[str, Any]:
        bench.forward()
        return {
            name.removeprefix("diff of "): diff for name, diff in bench.backward().named().items()
        }

    return Function(variables, bench.objective, gradient, bench.setting.dtype)


def of_net(net: Net, blobs: Collection[str] = ()) -> Function:
    """Return a net's loss as a function of its learned blobs and of the input blobs named.

    The net must give the same loss each time: no random layers, no data source that moves on. The
    gradient by an input blob needs ``force_backward``.
    """
    learned = {
        f"{layer}[{index}]": blob
        for layer, params in net.params.items()
        for index, blob in enumerate(params)
        if net.layers[layer].param_propagate_down[index]
    }
    sources = learned | {name: net.blobs[name] for name in blobs}

    def gradient() -> dict[str, Any]:
        net.clear_param_diffs()
        net.forward_backward()
        return {name: blob.diff.copy() for name, blob in sources.items()}

    variables = {name: blob.data for name, blob in sources.items()}
    return Function(variables, net.forward, gradient, next(iter(sources.values())).dtype)


def directional(
    function: Function, *, step: float | None = None, tolerance: float | None = None, seed: int = 0
) -> list[Mismatch]:
    """Compare the derivative by each variable along one random direction.

    Args:
        function: What to check.
        step: Length of the step; None takes ``function.step``.
        tolerance: Error allowed, relative to the sum of the magnitudes of the derivative's terms;
            None takes ``function.tolerance``.
        seed: Source of the directions.
    """
    step = step or function.step
    tolerance = tolerance or function.tolerance
    rng = np.random.default_rng(seed)
    gradient = function.gradient()
    wrong = []
    for name, values in function.variables.items():
        direction = rng.standard_normal(values.shape)
        terms = np.asarray(gradient[name], np.float64) * direction
        found, scale = float(terms.sum()), float(np.abs(terms).sum())
        expected, noise = _slope(function, values, direction, step)
        if not abs(found - expected) <= tolerance * scale + noise:
            wrong.append(Mismatch(name, None, found, expected))
    return wrong


def elementwise(
    function: Function,
    *,
    step: float | None = None,
    threshold: float | None = None,
    sample: int | None = None,
    kink: float = 0.0,
    kink_range: float = -1.0,
    seed: int = 0,
) -> list[Mismatch]:
    """Compare the derivative by each element.

    Args:
        function: What to check.
        step: Length of the step; None takes ``function.step``.
        threshold: Error allowed, relative to the larger of 1 and the two derivatives compared; None
            takes ``function.tolerance``.
        sample: How many elements of each variable to check, drawn at random; None checks all.
        kink: A magnitude at which the function has no derivative.
        kink_range: Elements whose magnitude is this close to `kink` are passed over.
        seed: Source of the sample.
    """
    step = step or function.step
    threshold = threshold or function.tolerance
    rng = np.random.default_rng(seed)
    gradient = function.gradient()
    wrong = []
    for name, values in function.variables.items():
        elements = np.arange(values.size)
        if sample is not None and sample < values.size:
            elements = np.sort(rng.choice(elements, sample, replace=False))
        for element in elements:
            index = tuple(int(axis) for axis in np.unravel_index(element, values.shape))
            if abs(abs(values[index]) - kink) <= kink_range:
                continue
            direction = np.zeros(values.shape)
            direction[index] = 1
            found = float(gradient[name][index])
            expected, noise = _slope(function, values, direction, step)
            if not abs(found - expected) <= threshold * max(1, abs(found), abs(expected)) + noise:
                wrong.append(Mismatch(name, index, found, expected))
    return wrong


def check(function: Function, *, sample: int = 200, seed: int = 0) -> None:
    """Check the gradient by every variable.

    A step in all elements at once may cross a kink, such as where another element becomes the
    maximum; what is right in every element for itself is right.

    Raises:
        AssertionError: It is wrong. Names the variables and, of up to `sample` elements of each,
            those that are wrong.
    """
    wrong = directional(function, seed=seed)
    if wrong:
        elements = elementwise(function, sample=sample, seed=seed)
        if not elements and all(values.size <= sample for values in function.variables.values()):
            return
        wrong += elements
        shown = [str(each) for each in wrong[:_SHOWN]]
        if len(wrong) > _SHOWN:
            shown.append(f"and {len(wrong) - _SHOWN} more")
        raise AssertionError("; ".join(shown))


def _slope(function: Function, values: Any, direction: Any, step: float) -> tuple[float, float]:
    """The derivative along a direction, and how far rounding may have put it off."""
    start = values.copy()
    values[...] = start + step * direction
    above = function.value()
    values[...] = start - step * direction
    below = function.value()
    values[...] = start
    rounding = 100 * float(np.finfo(function.dtype).eps)
    return (above - below) / (2 * step), rounding * max(1, abs(above), abs(below)) / step
