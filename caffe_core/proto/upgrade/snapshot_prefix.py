"""Where a solver's snapshots go when its file does not fully say."""

from __future__ import annotations

import logging
import os
from typing import Any

log = logging.getLogger("caffe")


def set_snapshot_prefix(solver: Any, path: str) -> None:
    """Name the snapshots after the solver's file: without a ``snapshot_prefix`` next to it.

    Args:
        solver: ``SolverParameter``, changed in place. A ``snapshot_prefix`` that is a directory
            gets the name of the file added.
        path: File the solver was read from.
    """
    stem = os.path.splitext(path)[0]
    if not solver.HasField("snapshot_prefix"):
        solver.snapshot_prefix = stem
        log.info("snapshot_prefix was not specified and is set to %s", stem)
    elif os.path.isdir(solver.snapshot_prefix):
        solver.snapshot_prefix = os.path.join(solver.snapshot_prefix, os.path.basename(stem))
        log.info("snapshot_prefix was a directory and is replaced to %s", solver.snapshot_prefix)
