"""``caffe train --plot FILE``: a picture of loss, test outputs and learning rate."""

from __future__ import annotations

import argparse
from pathlib import Path

from caffe_core.hooks import hookimpl, manager

_FORMATS = (".png", ".svg", ".pdf")


@hookimpl
def on_command_line(command: str, parser: argparse.ArgumentParser) -> None:
    """Add the flag."""
    if command == "train":
        parser.add_argument(
            "--plot",
            type=_picture,
            metavar="FILE",
            help="draw loss, test outputs and learning rate (.png, .svg or .pdf)",
        )


@hookimpl
def on_command_start(command: str, args: argparse.Namespace) -> None:
    """Let a recorder listen, if a picture is wanted."""
    if command == "train" and args.plot:
        from caffe_plot.recorder import Recorder

        manager().register(Recorder(args.plot))


def _picture(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in _FORMATS:
        raise argparse.ArgumentTypeError(f"{text!r} must end in {', '.join(_FORMATS)}")
    if not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r}: there is no directory {str(path.parent)!r}")
    return path
