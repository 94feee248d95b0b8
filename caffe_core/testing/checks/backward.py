"""What backward must do."""

from __future__ import annotations

import numpy as np

from caffe_core.testing import gradient
from caffe_core.testing.bench import Bench, RefusalError
from caffe_core.testing.checks.make import Check, ContractError, Make
from caffe_core.testing.setting import FLOAT64


def backward_is_the_derivative(make: Make) -> None:
    """Backward is the derivative of forward, by each bottom and each learned blob.

    Checked in float64 only, if the kernel takes that.
    """
    if not make.setting.case.gradient or _is_checked_in_float64(make):
        return
    function = gradient.of_bench(make())
    try:
        gradient.check(function)
    except AssertionError as error:
        raise ContractError(str(error)) from None


def backward_writes_every_wanted_diff(make: Make) -> None:
    """Every element of a wanted bottom's diff is written, whatever was there before."""
    bench = make()
    if not bench.has_backward:
        return
    bench.forward()
    first, second = bench.backward(poison=np.nan), bench.backward(poison=1e4)
    for index, wanted in enumerate(bench.wanted):
        if wanted:
            what = f"backward leaves or adds to what was there before: diff of bottom {index}"
            make.expect(what, second.bottom[index], first.bottom[index])


def backward_writes_nothing_else(make: Make) -> None:
    """Diffs of bottoms that ``propagate_down`` leaves out, and all data, stay as they are."""
    bench = make()
    if not bench.has_backward:
        return
    for index, wanted in enumerate(bench.wanted):
        if wanted:
            _expect_only(bench, [other == index for other in range(len(bench.bottom))])
    _expect_only(bench, [False] * len(bench.bottom))


def backward_adds_to_learned_diffs(make: Make) -> None:
    """Gradients of learned blobs are added to what their diffs hold."""
    bench = make()
    if not bench.has_backward:
        return
    bench.forward()
    once, again = bench.backward(start=0.0), bench.backward(start=1.0)
    learned = bench.layer.param_propagate_down
    for index, (first, second) in enumerate(zip(once.blobs, again.blobs, strict=True)):
        if learned[index]:
            what = f"backward does not add to what was there before: diff of learned blob {index}"
            make.expect(what, second, first + 1)


def backward_honours_param_propagate_down(make: Make) -> None:
    """The diff of a learned blob that is frozen stays as it is; the others get theirs."""
    bench = make()
    if not bench.has_backward:
        return
    bench.forward()
    expected = bench.backward(start=3.0)
    count = len(bench.blob_values)
    for frozen in [{index} for index in range(count)] + [set(range(count))] * (count > 1):
        _expect_frozen(make, make(frozen=frozen), frozen, expected.named())


def _is_checked_in_float64(make: Make) -> bool:
    if make.setting.dtype == FLOAT64:
        return False
    try:
        make(dtype=FLOAT64)
    except RefusalError:
        return False
    return True


def _expect_only(bench: Bench, wanted: list[bool]) -> None:
    """Run backward for these bottoms and see that nothing but their diffs changes."""
    bench.forward()
    bench.set_diffs(poison=7.0, start=3.0)
    before = bench.contents()
    bench.backward(wanted, poison=7.0, start=3.0)
    after = bench.contents()
    may = {f"diff of bottom {index}" for index, want in enumerate(wanted) if want}
    may |= {f"diff of learned blob {index}" for index in range(len(bench.layer.blobs))}
    for name, array in before.items():
        if name not in may and not np.array_equal(array, after[name], equal_nan=True):
            asked = ", ".join(map(str, wanted))
            raise ContractError(f"backward with propagate_down [{asked}] changes the {name}")


def _expect_frozen(make: Make, bench: Bench, frozen: set[int], expected: dict[str, object]) -> None:
    bench.forward()
    found = bench.backward(start=3.0)
    for index, diff in enumerate(found.blobs):
        if index in frozen and not (diff == 3.0).all():
            raise ContractError(
                f"backward changes the diff of learned blob {index}, "
                f"for which param_propagate_down[{index}] is False"
            )
        if index not in frozen:
            name = f"diff of learned blob {index}"
            make.expect(f"with learned blobs {sorted(frozen)} frozen, {name}", diff, expected[name])


BACKWARD_CHECKS: tuple[Check, ...] = (
    backward_is_the_derivative,
    backward_writes_every_wanted_diff,
    backward_writes_nothing_else,
    backward_adds_to_learned_diffs,
    backward_honours_param_propagate_down,
)
