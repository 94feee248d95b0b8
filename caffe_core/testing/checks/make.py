"""What every check works with: benches made on demand, and violations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any

from caffe_core.testing.bench import SEED, Bench
from caffe_core.testing.compare import difference
from caffe_core.testing.setting import FLOAT64, Setting


class ContractError(AssertionError):
    """A kernel or a layer does not do what the contract asks."""


class Make:
    """Makes benches for one setting, and closes them when the check is over.

    Attributes:
        setting: What is checked.
        tolerance: How far two results that should be equal may be apart, relative to the largest
            magnitude: rounding in another order is no violation.
    """

    def __init__(self, setting: Setting):
        self.setting = setting
        self.tolerance = 1e-9 if setting.dtype == FLOAT64 else 1e-4
        self._benches: list[Bench] = []

    def __call__(
        self,
        *,
        seed: int = SEED,
        in_place: bool = False,
        frozen: Collection[int] = (),
        need_backward: bool = True,
        **changes: Any,
    ) -> Bench:
        """Return a new bench; `changes` are to the setting."""
        bench = Bench(
            dataclasses.replace(self.setting, **changes),
            seed=seed,
            in_place=in_place,
            frozen=frozen,
            need_backward=need_backward,
        )
        self._benches.append(bench)
        return bench

    def expect(self, what: str, found: Any, expected: Any, tolerance: float | None = None) -> None:
        """Raise a `ContractError` that begins with `what` unless two arrays agree."""
        tolerance = self.tolerance if tolerance is None else tolerance
        problem = difference(found, expected, tolerance)
        if problem:
            raise ContractError(f"{what} {problem}")

    def expect_all(self, why: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
        """Raise a `ContractError` that names the first array, and says why, unless all agree."""
        for name, array in expected.items():
            self.expect(f"{why}: {name}", found[name], array)

    def expect_same_run(self, why: str, bench: Bench, other: Bench) -> None:
        """Raise a `ContractError` unless two benches compute the same, forward and backward."""
        found, expected = run(bench), run(other)
        self.expect_all(why, found, expected)

    def close(self) -> None:
        """Close every bench."""
        for bench in self._benches:
            bench.close()
        self._benches.clear()


Check = Callable[[Make], None]


def tops(arrays: Collection[Any]) -> dict[str, Any]:
    """Return the results of a forward by what messages call them."""
    return {f"data of top {index}": array for index, array in enumerate(arrays)}


def run(bench: Bench) -> dict[str, Any]:
    """Run forward and, if there is one, backward; return every result by name."""
    results = tops(bench.forward())
    if not bench.has_backward:
        return results
    diffs = bench.backward()
    wanted = {f"diff of bottom {index}" for index, want in enumerate(bench.wanted) if want}
    return results | {
        name: diff
        for name, diff in diffs.named().items()
        if name in wanted or name.startswith("diff of learned")
    }
