"""``caffe convert``: databases and mean images for Caffe, from files."""

from __future__ import annotations

import argparse

from caffe_convert import digits, imageset, mean, mnist

help = "write a database or a mean image: mnist, digits, imageset, mean"

_KINDS = {"mnist": mnist, "digits": digits, "imageset": imageset, "mean": mean}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare a command for each kind of conversion."""
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    for name, kind in _KINDS.items():
        kind.add_arguments(kinds.add_parser(name, help=kind.help, description=kind.help))


def run(args: argparse.Namespace) -> int:
    """Convert, and return the exit status."""
    return _KINDS[args.kind].run(args)
