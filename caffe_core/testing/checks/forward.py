"""What forward must do."""

from __future__ import annotations

import numpy as np

from caffe_core.testing.checks.make import Check, ContractError, Make, tops

_POISON = 1e4


def forward_writes_every_top(make: Make) -> None:
    """Every element of each top is written, whatever was there before.

    A layer without bottoms may leave a top to the caller, as Input does: then it writes no element.
    """
    bench = make()
    first, second = bench.forward(poison=np.nan), bench.forward(poison=_POISON)
    for index, (once, again) in enumerate(zip(first, second, strict=True)):
        left_alone = np.isnan(once).all() and (again == _POISON).all()
        if bench.bottom or not left_alone:
            what = f"forward leaves or adds to what was there before: data of top {index}"
            make.expect(what, again, once)


def forward_writes_nothing_else(make: Make) -> None:
    """Bottoms, learned blobs and diffs stay as they are."""
    bench = make()
    bench.forward()
    bench.set_diffs(poison=7.0, start=3.0)
    bench.reset()
    before = bench.contents()
    bench.advance()
    after = bench.contents()
    learned = bench.layer.param_propagate_down
    may = {f"data of learned blob {index}" for index, learns in enumerate(learned) if not learns}
    for name, array in before.items():
        if name in may or name.startswith("data of top"):
            continue
        if not np.array_equal(array, after[name], equal_nan=True):
            raise ContractError(f"forward changes the {name}")


def forward_is_the_same_without_backward(make: Make) -> None:
    """Where no backward will run, the tops are the same."""
    found, expected = make(need_backward=False).forward(), make().forward()
    make.expect_all("with need_backward False", tops(found), tops(expected))


FORWARD_CHECKS: tuple[Check, ...] = (
    forward_writes_every_top,
    forward_writes_nothing_else,
    forward_is_the_same_without_backward,
)
