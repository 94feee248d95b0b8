"""What a layer's facts claim must be so."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_core.blob import Blob, Shape
from caffe_core.testing.bench import Bench
from caffe_core.testing.checks.make import Check, ContractError, Make, run, tops


def backward_reads_only_what_facts_declare(make: Make) -> None:
    """Backward does not read the data of bottoms or tops unless ``backward_reads`` says so.

    The undeclared data are replaced by other likely values; NaN would vanish in comparisons.
    """
    bench = make()
    if not bench.has_backward:
        return
    expected = run(bench)
    sides = {"bottom": bench.bottom, "top": bench.top}
    reads = bench.layer.facts.backward_reads
    declared = [blob for side in reads for blob in sides[side]]
    for side in sorted(sides.keys() - reads):
        bench.disturb(sides[side], keep=declared)
    found = bench.backward().named()
    missing = " and ".join(sorted(sides.keys() - reads))
    for name in expected.keys() & found.keys():
        why = f"backward reads {missing} data, which facts.backward_reads leaves out: {name}"
        make.expect(why, found[name], expected[name])


def in_place_equals_out_of_place(make: Make) -> None:
    """With the top as the bottom, results are the same."""
    bench = make()
    if not bench.layer.facts.inplace or len(bench.top) > len(bench.bottom):
        return
    why = "in place, contrary to facts.inplace, the result is another"
    make.expect_same_run(why, make(in_place=True), bench)


def elementwise_is_true(make: Make) -> None:
    """Element i of a top depends on element i of the bottoms alone, and so does its gradient."""
    bench = make()
    if not bench.layer.facts.elementwise:
        return
    for blob in (*bench.bottom, *bench.top):
        if blob.shape != bench.bottom[0].shape:
            raise ContractError(
                f"facts.elementwise, but a blob has shape {blob.shape}, "
                f"bottom 0 has {bench.bottom[0].shape}"
            )
    kept = np.random.default_rng(0).random(bench.bottom[0].shape) < 0.5
    expected = _elements(run(bench), kept)
    _change_elements(bench, ~kept)
    found = _elements(run(bench), kept)
    make.expect_all("an element depends on other elements, contrary to facts", found, expected)


def positionwise_is_true(make: Make) -> None:
    """Every second spatial position of the bottoms makes every second one of the tops."""
    bench = make()
    if bench.layer.positionwise and not bench.is_random:
        expected = [_every(2, top) for top in bench.forward()]
        _give(bench, [_every(2, values) for values in bench.bottom_values])
        why = "other positions count too, or not all count alike, contrary to `positionwise`"
        make.expect_all(why, tops(bench.forward()), tops(expected))


def movable_stride_skips_positions(make: Make) -> None:
    """With a longer stride, the tops have some of the positions they had.

    If the bottom is only sampled, its samples with stride 1 make the same tops.
    """
    bench = make()
    stride = bench.layer.movable_stride
    if stride is None:
        return
    values, whole = bench.bottom_values, bench.forward()
    _set_stride(bench, tuple(2 * step for step in stride))
    _give(bench, values)
    expected = tops([_every(2, top) for top in whole])
    make.expect_all("with twice the movable_stride", tops(bench.forward()), expected)
    if bench.layer.samples_bottom:
        _set_stride(bench, (1,) * len(stride))
        _give(bench, [_every(stride, each) for each in values])
        make.expect_all("given its samples alone", tops(bench.forward()), tops(whole))


def sharing_is_as_declared(make: Make) -> None:
    """Tops use the data of bottom 0 if and only if ``shares_bottom`` says so.

    A single top may then use its diff too. No top shares with another bottom.
    """
    bench = make()
    claimed = bench.layer.facts.shares_bottom
    for index, top in enumerate(bench.top):
        data, diff = _owners(bench, top, "data_tensor"), _owners(bench, top, "diff_tensor")
        if data != [0] * claimed:
            raise ContractError(
                f"facts.shares_bottom is {claimed}, so top {index} should share the data of "
                f"bottoms {[0] * claimed}; it shares that of bottoms {data}"
            )
        if diff and (not claimed or diff != [0] or len(bench.top) > 1):
            raise ContractError(f"top {index} shares the diff of bottoms {diff}")


def _owners(bench: Bench, top: Blob, tensor: str) -> list[int]:
    """The bottoms whose data or diff is that of a top."""
    return [
        index
        for index, blob in enumerate(bench.bottom)
        if getattr(blob, tensor) is getattr(top, tensor)
    ]


def _every(step: int | Shape, array: Any) -> Any:
    """Every so manieth position along the spatial axes."""
    axes = array.ndim - 2
    steps = (step,) * axes if isinstance(step, int) else step
    return array[
        (slice(None), slice(None), *(slice(None, None, each) for each in steps))[: array.ndim]
    ]


def _give(bench: Bench, values: list[Any]) -> None:
    """Let a bench compute with these bottoms, whatever their shapes."""
    bench.redraw([each.shape for each in values], seed=0)
    bench.bottom_values = values


def _set_stride(bench: Bench, stride: Shape) -> None:
    bench.layer.movable_stride = stride  # type: ignore[misc]


def _elements(results: dict[str, Any], kept: Any) -> dict[str, Any]:
    return {
        name: array[kept]
        for name, array in results.items()
        if not name.startswith("diff of learned")
    }


def _change_elements(bench: Bench, changed: Any) -> None:
    old = [values.copy() for values in bench.bottom_values]
    bench.redraw(seed=99)
    for values, before in zip(bench.bottom_values, old, strict=True):
        values[~changed] = before[~changed]


FACTS_CHECKS: tuple[Check, ...] = (
    backward_reads_only_what_facts_declare,
    in_place_equals_out_of_place,
    elementwise_is_true,
    positionwise_is_true,
    movable_stride_skips_positions,
    sharing_is_as_declared,
)
