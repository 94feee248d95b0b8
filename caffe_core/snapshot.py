"""Snapshots: a solver written to files and brought back."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from caffe_core import lr_policies
from caffe_core.device import CPU, Device
from caffe_core.errors import SolverError
from caffe_core.net import Net
from caffe_core.proto.state import State, read_state, write_state

if TYPE_CHECKING:
    from caffe_core.solver import Solver

log = logging.getLogger("caffe")


def check_prefix(param: Any) -> None:
    """Find before training what would stop its snapshots.

    Raises:
        SolverError: Snapshots are asked for, and ``snapshot_prefix`` is in no directory.
    """
    folder = Path(param.snapshot_prefix).parent
    if (param.snapshot or param.snapshot_after_train) and not folder.is_dir():
        raise SolverError(
            f"solver: snapshot_prefix {param.snapshot_prefix!r} is in no directory that exists; "
            f"create {str(folder)!r} or change snapshot_prefix"
        )


def write_snapshot(solver: Solver) -> tuple[str, str]:
    """Write weights and state to ``<snapshot_prefix>_iter_<N>``; return both paths.

    Each file appears whole or not at all; the state, which names the weights, comes last.
    """
    hdf5 = solver.param.snapshot_format == solver.param.HDF5
    kind, suffix = ("HDF5 file", ".h5") if hdf5 else ("binary proto file", "")
    stem = f"{solver.param.snapshot_prefix}_iter_{solver.iteration}"
    model, state = f"{stem}.caffemodel{suffix}", f"{stem}.solverstate{suffix}"
    log.info("Snapshotting to %s %s", kind, model)
    solver.net.save(model, write_diff=solver.param.snapshot_diff)
    log.info("Snapshotting solver state to %s %s", kind, state)
    write_state(state, _capture(solver, model))
    return model, state


def restore_snapshot(solver: Solver, path: str | Path) -> None:
    """Bring back what `write_snapshot`, or BVLC Caffe, wrote.

    Raises:
        ParseError: A file is missing or cannot be read.
        SolverError: The history does not fit the net or the solver type.
    """
    state = read_state(path)
    history = _history(solver)
    _check_history(solver, path, history, state.history)
    if state.learned_net:
        solver.net.copy_from(_beside(path, state.learned_net))
    for mine, stored in zip(history, state.history, strict=True):
        solver.net.device.upload(np.asarray(stored, mine.dtype).reshape(mine.shape), mine)
    solver.iteration = state.iter
    if state.resume:
        _restore_rest(solver, state.resume)
    else:
        _skip_data(solver, path)


def _check_history(solver: Solver, path: str | Path, history: list[Any], stored: list[Any]) -> None:
    if len(stored) != len(history):
        raise SolverError(
            f"{path}: Incorrect length of history blobs: it holds {len(stored)}, "
            f"{solver.param.type} on net {solver.net.name!r} needs {len(history)}; "
            "resume with the net and solver type that wrote it"
        )
    for index, (mine, each) in enumerate(zip(history, stored, strict=True)):
        if mine.size != each.size:
            raise SolverError(
                f"{path}: history blob {index} has shape {each.shape}, expected {mine.shape}; "
                "resume with the net that wrote it"
            )


def _capture(solver: Solver, model: str) -> State:
    last_update = max(solver.iteration - 1, 0)
    return State(
        iter=solver.iteration,
        learned_net=model,
        current_step=lr_policies.current_step(solver.param, last_update),
        history=[_on_host(solver.net.device, array) for array in _history(solver)],
        resume={
            "train": solver.net.state(),
            "test": [net.state() for net in solver.test_nets],
            "losses": list(solver.window),
        },
    )


def _history(solver: Solver) -> list[Any]:
    """Each history value of each learned blob, on the solver's device, in the order of files."""
    arena = solver.update.arena
    return [
        arena.part(slot, parameter)
        for slot in solver.update.history
        for parameter in arena.parameters
    ]


def _on_host(device: Device, array: Any) -> Any:
    if device is CPU:
        return array
    host = np.empty(array.shape, array.dtype)
    device.download(array, host)
    return host


def _restore_rest(solver: Solver, resume: dict[str, Any]) -> None:
    solver.net.restore(resume["train"])
    for net, state in zip(solver.test_nets, resume["test"], strict=False):
        net.restore(state)
    solver.window.clear()
    solver.window.extend(resume["losses"])


def _skip_data(solver: Solver, path: str | Path) -> None:
    """Put the data where an uninterrupted run would be, for a state that does not tell."""
    param, done = solver.param, solver.iteration
    batches = done * param.iter_size
    log.info("%s has no data cursors: %d training batches are skipped", path, batches)
    _skip(solver.net, batches)
    if not param.test_interval:
        return
    tests = -(-done // param.test_interval) - (not param.test_initialization and done > 0)
    for net, iterations in zip(solver.test_nets, param.test_iter, strict=True):
        _skip(net, tests * iterations)


def _skip(net: Net, batches: int) -> None:
    for layer in net.layers.values():
        skip = getattr(layer, "skip", None)
        if skip is not None:
            skip(batches)


def _beside(path: str | Path, learned_net: str) -> str:
    """Where the weights are: the path that the state names, or that name beside the state."""
    if Path(learned_net).exists():
        return learned_net
    moved = Path(path).parent / Path(learned_net).name
    return str(moved) if moved.exists() else learned_net
