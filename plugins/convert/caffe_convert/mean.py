"""``caffe convert mean``: the mean image of a database, as Caffe's compute_image_mean makes it."""

from __future__ import annotations

import argparse
import logging
import os
from contextlib import closing
from typing import Any

from caffe_core.errors import DataError

help = "the mean image of a database"

logger = logging.getLogger("caffe")

_CHUNK = 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("db", help="database to read")
    parser.add_argument("out", nargs="?", help=".binaryproto file to write")
    parser.add_argument(
        "--backend",
        type=str.upper,
        default="LMDB",
        metavar="NAME",
        help="kind of database: lmdb or leveldb (lmdb)",
    )
    parser.add_argument("--force", action="store_true", help="replace a file that exists")


def run(args: argparse.Namespace) -> int:
    """Compute the mean, write it, and log the mean of each channel."""
    from caffe_core.data import mean
    from caffe_core.data.source import open_source

    if args.out and os.path.exists(args.out) and not args.force:
        raise DataError(f"{args.out!r} exists already; remove it, or overwrite it with --force")
    with closing(open_source(args.backend, args.db)) as source:
        image = _mean(source)
    if args.out:
        logger.info("Write to %s", args.out)
        mean.write(args.out, image)
    logger.info("Number of channels: %d", len(image))
    for channel, value in enumerate(image.mean(axis=(1, 2))):
        logger.info("mean_value channel [%d]: %g", channel, value)
    return 0


def _mean(source: Any) -> Any:
    """Return the mean of all images, ``(channels, height, width)``, float64."""
    import numpy as np

    from caffe_core.data import datum

    total = np.zeros(datum.to_array(datum.parse(source.read(0, 1)[0][1])).shape)
    for start in range(0, len(source), _CHUNK):
        records = source.read(start, min(_CHUNK, len(source) - start))
        for index, (key, value) in enumerate(records, start):
            image = datum.to_array(datum.parse(value))
            if image.shape != total.shape:
                raise DataError(
                    f"{source.path!r}, record {index} (key {bytes(key)!r}) is {image.shape}, the "
                    f"first {total.shape} (channels, height, width); a mean needs one shape"
                )
            total += image
    return total / len(source)
