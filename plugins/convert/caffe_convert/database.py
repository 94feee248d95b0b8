"""The database that a conversion writes."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Iterable
from typing import Any

logger = logging.getLogger("caffe")

_REPORT_EVERY = 10000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of every command that writes a database."""
    parser.add_argument(
        "--backend",
        type=str.upper,
        default="LMDB",
        metavar="NAME",
        help="kind of database: lmdb or leveldb (lmdb)",
    )
    parser.add_argument("--force", action="store_true", help="replace a database that exists")


def name(stem: str, args: argparse.Namespace) -> str:
    """Return what a database is called by default, such as ``mnist_train_lmdb``."""
    return f"{stem}_{args.backend.lower()}"


def write(path: str, records: Iterable[tuple[str, Any]], args: argparse.Namespace) -> int:
    """Write a database and return the number of its records.

    Args:
        path: Where; must not exist unless ``--force`` was given.
        records: A key and a ``Datum`` message for each.
        args: What `add_arguments` declares.

    Raises:
        DataError: It cannot be written.
    """
    from caffe_core import registry

    source = registry.sources[args.backend]
    count = 0
    with source.create(path, overwrite=args.force) as writer:
        for count, (key, datum) in enumerate(records, 1):
            writer.put(key.encode("utf-8", "surrogateescape"), datum.SerializeToString())
            if count % _REPORT_EVERY == 0:
                logger.info("Processed %d files.", count)
    logger.info("Wrote %d records to %s", count, os.path.abspath(path))
    return count


def labelled(images: Any, labels: Any) -> Iterable[tuple[str, Any]]:
    """Yield the records of gray images ``(N, height, width)``, keyed by their number."""
    from caffe_core.data import datum

    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        yield f"{index:08d}", datum.from_array(image[None], int(label))
