"""Solvers before 2015, whose type is the enum ``solver_type``."""

from __future__ import annotations

from typing import Any

from caffe_core.errors import ParseError
from caffe_core.proto import caffe_pb2

_NAMES = {
    "SGD": "SGD",
    "NESTEROV": "Nesterov",
    "ADAGRAD": "AdaGrad",
    "RMSPROP": "RMSProp",
    "ADADELTA": "AdaDelta",
    "ADAM": "Adam",
}


def upgrade(solver: Any) -> list[str] | None:
    """Turn ``solver_type`` into ``type``."""
    if not solver.HasField("solver_type"):
        return None
    old = caffe_pb2.SolverParameter.SolverType.Name(solver.solver_type)
    if solver.HasField("type"):
        raise ParseError(
            f'the solver has both `solver_type: {old}` and `type: "{solver.type}"`; '
            "remove `solver_type`, which is the old form"
        )
    solver.type = _NAMES[old]
    solver.ClearField("solver_type")
    return []
