"""Golden cases of training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from caffe_core.proto import caffe_pb2, text
from caffe_core.proto.state import read_state
from caffe_core.solver import Solver
from caffe_core.testing.golden import feed
from caffe_core.testing.golden.case import GoldenCase
from caffe_core.testing.golden.compare import Comparison


def run_solver(case: GoldenCase, net_options: dict[str, Any]) -> Comparison:
    """Train as many steps as the case says; then again from each of its snapshots."""
    comparison = Comparison()
    with _solver(case, net_options) as solver:
        feed.set_params(solver.net, case.each("param0"))
        _train(solver, case, comparison, "")
        _compare_state(solver, case, comparison)
    for file in case.names("snapshot_files"):
        if ".solverstate" in file:
            with _solver(case, net_options) as solver:
                solver.restore(file)
                _train(solver, case, comparison, f"from {file}, ")
    return comparison


@contextmanager
def _solver(case: GoldenCase, net_options: dict[str, Any]) -> Iterator[Solver]:
    param = text.parse(case.text("solver"), caffe_pb2.SolverParameter, case.name)
    param.net_param.CopyFrom(text.parse(case.prototxt, caffe_pb2.NetParameter, case.name))
    param.snapshot_prefix = "golden"
    solver = Solver(param, **net_options)
    try:
        feed.set_memory_data(solver.net, case)
        yield solver
    finally:
        solver.close()


def _train(solver: Solver, case: GoldenCase, comparison: Comparison, where: str) -> None:
    inputs = case.each("in")
    for step in range(solver.iteration, case.number("steps")):
        feed.set_blobs(solver.net, {name: v[step % len(v)] for name, v in inputs.items()})
        solver.step(1)
        done = f"{where}step {step + 1}, "
        comparison.array(f"{done}lr", solver.rate, case.arrays["lr"][step])
        outputs = {name: values[step] for name, values in case.each("out").items()}
        comparison.arrays(f"{done}out", feed.blob_data(solver.net), outputs)
        params = case.each(f"param:{step + 1}")
        comparison.arrays(f"{done}param", feed.param_data(solver.net), params)


def _compare_state(solver: Solver, case: GoldenCase, comparison: Comparison) -> None:
    """Compare the state that the solver writes at the end."""
    _, path = solver.snapshot()
    state = read_state(path)
    history = {str(index): array for index, array in enumerate(state.history)}
    comparison.equal("history", len(history), len(case.each("history")))
    comparison.arrays("history", history, case.each("history"))
    comparison.equal("state_iter", state.iter, case.number("state_iter"))
    current_step = case.number("state_current_step")
    comparison.equal("state_current_step", state.current_step, current_step)
