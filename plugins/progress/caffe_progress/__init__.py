"""A progress bar for ``caffe train`` and ``caffe test`` when they run on a terminal.

The log goes on above the bar. Elsewhere, in a file or a pipe, there is the log alone.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from caffe_core.hooks import hookimpl, manager


@hookimpl
def on_command_start(command: str, args: argparse.Namespace) -> None:
    """Let a bar listen to the command, if a person watches."""
    if command in ("train", "test") and sys.stderr.isatty():
        bar = _bar(command, args)
        if bar is not None:
            manager().register(bar)


def _bar(command: str, args: argparse.Namespace) -> Any:
    from rich.console import Console

    from caffe_progress.bars import TestBar, TrainBar

    console = Console(stderr=True)
    if console.is_dumb_terminal or not console.is_terminal:
        return None
    return TrainBar(console) if command == "train" else TestBar(console, args.iterations)
