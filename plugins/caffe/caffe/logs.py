"""Caffe's log, as pycaffe shows it."""

from __future__ import annotations

import logging

_log = logging.getLogger("caffe")


def init_log(level: int = 0, stderr: bool = True) -> None:
    """Show what Caffe logs, in its format.

    Args:
        level: The least severity: 0 info, 1 warning, 2 error.
        stderr: Whether lines go to standard error; if not, nothing is installed.
    """
    from caffe_core.log import GlogFormatter

    _log.setLevel({0: logging.INFO, 1: logging.WARNING}.get(level, logging.ERROR))
    installed = any(isinstance(each.formatter, GlogFormatter) for each in _log.handlers)
    if stderr and not installed:
        handler = logging.StreamHandler()
        handler.setFormatter(GlogFormatter())
        _log.addHandler(handler)


def log(message: str) -> None:
    """Log a line."""
    _log.info("%s", message)
