"""``caffe summary``: what a net consists of and costs."""

from __future__ import annotations

import argparse
import json
import logging

from caffe_core.cli import flags

help = "show shapes, parameters, multiply-adds and memory of a model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("definition", nargs="?", metavar="MODEL", help="the same as -model MODEL")
    flags.add_model(parser)
    flags.add_phase(parser, "TEST")
    flags.add_net_state(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    flags.add_execution(parser)


def run(args: argparse.Namespace) -> int:
    """Build the net, quietly, and print its summary."""
    from caffe_core.cli.tables import print_table

    args.model = args.model or args.definition
    flags.required(args, "model", "Need a model definition to summarize.")
    logging.getLogger("caffe").setLevel(logging.WARNING)
    with flags.build_net(args, "cpu", args.phase) as net:
        summary = net.summary()
    if args.json:
        print(json.dumps(summary.as_dict(), indent=2))
        return 0
    header, *rows = summary.rows()
    print_table(header, rows)
    return 0
