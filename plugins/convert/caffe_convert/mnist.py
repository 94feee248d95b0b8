"""``caffe convert mnist``: what Caffe's convert_mnist_data makes of the MNIST files."""

from __future__ import annotations

import argparse
import os

from caffe_convert import database, idx
from caffe_core.errors import CaffeError, DataError

help = "the MNIST files, or others of their format"

_FILES = {"train": "train", "test": "t10k"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: a folder with the four files, or one pair of files."""
    parser.add_argument("dir", nargs="?", help="folder of the four files, gzipped or not")
    parser.add_argument("out", nargs="?", help="folder for mnist_train_lmdb and mnist_test_lmdb")
    parser.add_argument("--images", metavar="FILE", help="instead of DIR: one file of images")
    parser.add_argument("--labels", metavar="FILE", help="the labels of --images")
    parser.add_argument("--output", metavar="DB", help="the database to write from --images")
    database.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Convert, and return the exit status."""
    one, all_four = (args.images, args.labels, args.output), (args.dir, args.out)
    if all(one) and not any(all_four):
        _convert(*one, args)
    elif all(all_four) and not any(one):
        for part, prefix in _FILES.items():
            images = _find(args.dir, f"{prefix}-images", "idx3-ubyte")
            labels = _find(args.dir, f"{prefix}-labels", "idx1-ubyte")
            path = os.path.join(args.out, database.name(f"mnist_{part}", args))
            _convert(images, labels, path, args)
    else:
        raise CaffeError(
            "expected `caffe convert mnist DIR OUT` or "
            "`caffe convert mnist --images FILE --labels FILE --output DB`"
        )
    return 0


def _convert(images_path: str, labels_path: str, path: str, args: argparse.Namespace) -> None:
    images, labels = idx.read(images_path, axes=3), idx.read(labels_path, axes=1)
    if len(images) != len(labels):
        raise DataError(
            f"{images_path!r} has {len(images)} images, {labels_path!r} has {len(labels)} labels; "
            "give two files that belong together"
        )
    database.write(path, database.labelled(images, labels), args)


def _find(folder: str, stem: str, kind: str) -> str:
    """Return the path of one of the files, under any of the names it goes by."""
    names = [f"{stem}{joint}{kind}{end}" for joint in "-." for end in ("", ".gz")]
    for each in names:
        if os.path.isfile(os.path.join(folder, each)):
            return os.path.join(folder, each)
    raise DataError(f"{folder!r} has no file {names[0]!r} or {names[1]!r}; download it there")
