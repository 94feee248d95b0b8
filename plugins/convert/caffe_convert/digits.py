"""``caffe convert digits``: databases of the small handwritten digits that scikit-learn has."""

from __future__ import annotations

import argparse
import os

from caffe_convert import database
from caffe_core.errors import CaffeError

help = "scikit-learn's 1797 handwritten digits, 8 x 8 pixels from 0 to 16"

_TRAIN = 1500
_SEED = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("out", help="folder for digits_train_lmdb and digits_test_lmdb")
    database.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Write 1500 digits for training and 297 for testing, in an order that is always the same."""
    import numpy as np

    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise CaffeError(
            "the digits come with scikit-learn: pip install 'caffe-convert[digits]'"
        ) from error
    found = load_digits()
    order = np.random.default_rng(_SEED).permutation(len(found.target))
    images, labels = found.images.astype(np.uint8)[order], found.target[order]
    for part, which in (("train", slice(_TRAIN)), ("test", slice(_TRAIN, None))):
        path = os.path.join(args.out, database.name(f"digits_{part}", args))
        database.write(path, database.labelled(images[which], labels[which]), args)
    return 0
