"""Old definitions made new: every generation of Caffe's schema up to the current one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from caffe_core.proto.upgrade import batch_norm, inputs, solver_type, transform, v0, v1
from caffe_core.proto.upgrade.snapshot_prefix import set_snapshot_prefix

__all__ = ["set_snapshot_prefix", "upgrade_net", "upgrade_solver"]

log = logging.getLogger("caffe")


class Step(NamedTuple):
    """One generation to the next, and Caffe's words for it.

    Attributes:
        upgrade: Changes the message in place. Returns None where there is nothing to do, else what
            could not be kept.
        attempt: Logged with the name of the file.
        success: Logged if all was kept.
        failure: Logged if not.
        outlook: What may become of such files.
    """

    upgrade: Callable[[Any], list[str] | None]
    attempt: str
    success: str
    failure: str = ""
    outlook: str = ""


_NET = (
    Step(
        v0.upgrade,
        "Attempting to upgrade input file specified using deprecated V0LayerParameter: %s",
        "Successfully upgraded file specified using deprecated V0LayerParameter",
        "Warning: had one or more problems upgrading V0NetParameter to NetParameter (see above); "
        "continuing anyway.",
        "Note that future Caffe releases will not support V0NetParameter; write the net in the "
        "current format.",
    ),
    Step(
        transform.upgrade,
        "Attempting to upgrade input file specified using deprecated transformation parameters: %s",
        "Successfully upgraded file specified using deprecated data transformation parameters.",
        outlook="Note that future Caffe releases will only support transform_param messages for "
        "transformation fields.",
    ),
    Step(
        v1.upgrade,
        "Attempting to upgrade input file specified using deprecated V1LayerParameter: %s",
        "Successfully upgraded file specified using deprecated V1LayerParameter",
        "Warning: had one or more problems upgrading V1LayerParameter (see above); "
        "continuing anyway.",
    ),
    Step(
        inputs.upgrade,
        "Attempting to upgrade input file specified using deprecated input fields: %s",
        "Successfully upgraded file specified using deprecated input fields.",
        outlook="Note that future Caffe releases will only support input layers and not input "
        "fields.",
    ),
    Step(
        batch_norm.upgrade,
        "Attempting to upgrade batch norm layers using deprecated params: %s",
        "Successfully upgraded batch norm layers using deprecated params.",
    ),
)

_SOLVER = (
    Step(
        solver_type.upgrade,
        "Attempting to upgrade input file specified using deprecated 'solver_type' field (enum)': "
        "%s",
        "Successfully upgraded file specified using deprecated 'solver_type' field (enum) to "
        "'type' field (string).",
        outlook="Note that future Caffe releases will only support 'type' field (string) for a "
        "solver's type.",
    ),
)


def upgrade_net(net: Any, where: str) -> list[str] | None:
    """Bring a ``NetParameter`` of any age up to date, in place. `where` is its file, for the log.

    Returns:
        None if it was up to date, else what could not be kept.

    Raises:
        ParseError: It says what no Caffe understood.
    """
    return _apply(_NET, net, where)


def upgrade_solver(solver: Any, where: str) -> list[str] | None:
    """Bring a ``SolverParameter`` of any age up to date, in place. `where` is its file.

    Returns:
        None if it was up to date, else what could not be kept.

    Raises:
        ParseError: It says what no Caffe understood.
    """
    return _apply(_SOLVER, solver, where)


def _apply(steps: tuple[Step, ...], message: Any, where: str) -> list[str] | None:
    lost: list[str] | None = None
    for step in steps:
        problems = step.upgrade(message)
        if problems is None:
            continue
        lost = [*(lost or ()), *problems]
        log.info(step.attempt, where)
        for problem in problems:
            log.error(problem)
        if problems:
            log.error(step.failure)
        else:
            log.info(step.success)
        if step.outlook:
            log.warning(step.outlook)
    return lost
