"""``caffe draw``: a picture of a net."""

from __future__ import annotations

import argparse
import logging

help = "draw a net"

log = logging.getLogger("caffe")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("input_net_proto_file", metavar="MODEL", help="the net (prototxt)")
    parser.add_argument(
        "output_image_file", metavar="OUT", help="the picture: .png, .svg, .pdf, or .dot for text"
    )
    parser.add_argument(
        "--rankdir",
        type=str.upper,
        default="LR",
        choices=("LR", "RL", "TB", "BT"),
        help="where the net grows to: left to right, top to bottom, ... (LR)",
    )
    parser.add_argument(
        "--phase",
        type=str.upper,
        default="ALL",
        choices=("TRAIN", "TEST", "ALL"),
        help="show the layers of this phase only (ALL)",
    )
    parser.add_argument(
        "--display_lrm", action="store_true", help="show the factors of learning rates"
    )


def run(args: argparse.Namespace) -> int:
    """Draw."""
    from caffe.draw import draw_net_to_file
    from caffe_core.layer import Phase
    from caffe_core.proto.files import load_net

    phase = None if args.phase == "ALL" else Phase[args.phase]
    net = load_net(args.input_net_proto_file)
    log.info("Drawing net to %s", args.output_image_file)
    draw_net_to_file(net, args.output_image_file, args.rankdir, phase, args.display_lrm)
    return 0
