"""Flags that say what a net takes, and the net that they make."""

from __future__ import annotations

import argparse
from typing import Any

from caffe_core.cli import flags
from caffe_core.errors import CaffeError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--model_def", metavar="FILE", help="the model definition (prototxt)")
    parser.add_argument("--pretrained_model", metavar="FILE", help="the weights")
    parser.add_argument("--mean_file", metavar="FILE", help="mean to subtract: .npy, .binaryproto")
    parser.add_argument(
        "--mean_value", metavar="NUMBERS", help="mean of each channel, separated by ','"
    )
    parser.add_argument("--input_scale", type=float, metavar="X", help="factor after the mean")
    parser.add_argument(
        "--raw_scale", type=float, default=255.0, metavar="X", help="factor before the mean (255)"
    )
    parser.add_argument(
        "--channel_swap",
        default="2,1,0",
        metavar="ORDER",
        help="order of the channels: 2,1,0 gives BGR from RGB; none keeps them (2,1,0)",
    )
    flags.add_gpu(parser)


def net(args: argparse.Namespace, kind: Any, **options: Any) -> Any:
    """Return a `caffe.Classifier` or `caffe.Detector` as the flags describe it."""
    import numpy as np

    from caffe import io
    from caffe_core.cli.gpus import one_device

    for name in ("model_def", "pretrained_model"):
        flags.required(args, name, f"{name.replace('_', ' ').capitalize()} is missing.")
    mean = io.load_mean(args.mean_file) if args.mean_file else None
    if args.mean_value:
        mean = np.array(numbers("mean_value", args.mean_value))
    swap = None if args.channel_swap == "none" else numbers("channel_swap", args.channel_swap)
    return kind(
        args.model_def,
        args.pretrained_model,
        mean=mean,
        input_scale=args.input_scale,
        raw_scale=args.raw_scale,
        channel_swap=None if swap is None else [int(each) for each in swap],
        device=one_device(args.gpu),
        **options,
    )


def numbers(flag: str, text: str) -> list[float]:
    """Return the numbers of a list separated by commas.

    Raises:
        CaffeError: It has something else.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise CaffeError(f"--{flag} {text}: expected numbers separated by ','") from error
