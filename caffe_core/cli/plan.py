"""``caffe plan``: how a net would be built and run."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from caffe_core.cli import flags

help = "show what each pass makes of a model, and which kernels run it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("definition", nargs="?", metavar="MODEL", help="the same as -model MODEL")
    flags.add_model(parser)
    flags.add_weights(parser, "weights to load, to see whether they fit")
    flags.add_phase(parser, "TRAIN")
    flags.add_net_state(parser)
    flags.add_gpu(parser)
    flags.add_execution(parser)
    flags.add_keep(parser)


def run(args: argparse.Namespace) -> int:
    """Build the net, quietly, and print its plan."""
    from caffe_core.cli.gpus import one_device
    from caffe_core.cli.tables import print_table

    args.model = args.model or args.definition
    flags.required(args, "model", "Need a model definition to plan.")
    logging.getLogger("caffe").setLevel(logging.WARNING)
    keep = flags.listed(args.keep)
    with flags.build_net(args, one_device(args.gpu), args.phase, keep) as net:
        for name, notes in net.notes.items():
            print(f"{name}:")
            for note in notes or ["nothing to do"]:
                print(f"  {note}")
        net.reshape()
        print("copies, forward:")
        for line in net.copies or ["none"]:
            print(f"  {line}")
        print()
        header = ["layer", "type", "kernel", "engine", "device", "format", "in place", "backward"]
        print_table([*header, "tops"], [_row(node) for node in net.nodes])
    return 0


def _row(node: Any) -> list[str]:
    formats = dict.fromkeys(blob.format.value for blob in (*node.top, *node.bottom))
    in_place = any(top is bottom for top in node.top for bottom in node.bottom)
    return [
        node.name,
        node.layer.type,
        type(node.kernel).__name__,
        node.engine,
        repr(node.kernel.device),
        " ".join(formats),
        "yes" if in_place else "",
        "yes" if node.need_backward else "",
        " ".join(_top(name, blob) for name, blob in zip(node.top_names, node.top, strict=True)),
    ]


def _top(name: str, blob: Any) -> str:
    return f"{name or '(automatic)'}({'x'.join(map(str, blob.shape))})"
