"""The checks of the contract: each is a function that takes a `Make` and raises `ContractError`."""

from __future__ import annotations

from caffe_core.testing.checks.backward import BACKWARD_CHECKS
from caffe_core.testing.checks.facts import FACTS_CHECKS
from caffe_core.testing.checks.forward import FORWARD_CHECKS
from caffe_core.testing.checks.make import Check, ContractError, Make
from caffe_core.testing.checks.sameness import SAMENESS_CHECKS
from caffe_core.testing.checks.settled import SETTLED_CHECKS
from caffe_core.testing.checks.steady import STEADY_CHECKS

CHECKS: tuple[Check, ...] = (
    *FORWARD_CHECKS,
    *BACKWARD_CHECKS,
    *FACTS_CHECKS,
    *SAMENESS_CHECKS,
    *STEADY_CHECKS,
    *SETTLED_CHECKS,
)

__all__ = ["CHECKS", "Check", "ContractError", "Make"]
