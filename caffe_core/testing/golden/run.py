"""Running one golden case, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from caffe_core.device import device as find_device
from caffe_core.errors import CaffeError
from caffe_core.testing.golden.case import GoldenCase
from caffe_core.testing.golden.compare import Comparison
from caffe_core.testing.golden.fillers import run_filler
from caffe_core.testing.golden.layers import run_layer
from caffe_core.testing.golden.needs import missing
from caffe_core.testing.golden.nets import run_net
from caffe_core.testing.golden.solvers import run_solver

_RUN: dict[str, Callable[[GoldenCase, dict[str, Any]], Comparison]] = {
    "layer": run_layer,
    "net": run_net,
    "solver": run_solver,
    "filler": run_filler,
}


@dataclass(frozen=True)
class Options:
    """What to run cases on.

    Attributes:
        device: ``cpu``, ``cuda``, ``cuda:1``, or ``emulated``: CUDA kernels on the CPU.
        engine: The engine to take kernels from where it has one; None takes the usual order.
        memory_format: ``contiguous``, ``channels_last`` or ``auto``.
    """

    device: str = "cpu"
    engine: str | None = None
    memory_format: str = "contiguous"

    def for_net(self) -> dict[str, Any]:
        """Return the arguments of `Net`."""
        return {
            "device": self.device,
            "engines": None if self.engine is None else (self.engine,),
            "memory_format": self.memory_format,
            "seed": 1,
        }


class Status(Enum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    """How a case ended, and why.

    Attributes:
        name: The case.
        status: Passed, failed or skipped.
        problems: What differs, or what is missing.
    """

    name: str
    status: Status
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        detail = f": {self.problems[0]}{more}" if self.problems else ""
        return f"{self.status.value.upper()} {self.name}{detail}"


def run_case(case: GoldenCase, options: Options | None = None) -> Result:
    """Run a case and compare everything it holds. Never raises for what the case does.

    Raises:
        DeviceError: The device of the options does not exist.
    """
    options = options or Options()
    device = find_device(options.device)
    try:
        reason = missing(case, device)
        if reason is not None:
            return Result(case.name, Status.SKIPPED, [reason])
        with case.folder():
            problems = _RUN[case.kind](case, options.for_net()).problems
    except CaffeError as error:
        problems = [str(error)]
    except Exception as error:
        problems = [f"{type(error).__name__}: {error}"]
    return Result(case.name, Status.FAILED if problems else Status.PASSED, problems)
