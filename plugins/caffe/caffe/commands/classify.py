"""``caffe classify``: what images show."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from time import perf_counter
from typing import Any

from caffe.commands import preprocessing
from caffe_core.errors import DataError

help = "say what images show"

log = logging.getLogger("caffe")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "input_file", metavar="IN", help="an image, a directory of images, or a .npy file of them"
    )
    parser.add_argument(
        "output_file", nargs="?", metavar="OUT", help=".npy file to write the predictions to"
    )
    preprocessing.add_arguments(parser)
    parser.add_argument(
        "--images_dim",
        default="256,256",
        metavar="H,W",
        help="height and width to which images are scaled before they are cut (256,256)",
    )
    parser.add_argument(
        "--center_only", action="store_true", help="take the centre alone, not ten crops"
    )
    parser.add_argument(
        "--ext", default="jpg", help="suffix of the images, if IN is a directory (jpg)"
    )
    parser.add_argument(
        "--labels", metavar="FILE", help="a text file with the name of a class in each line"
    )
    parser.add_argument(
        "--top", type=int, default=5, metavar="N", help="how many classes to show of each image (5)"
    )


def run(args: argparse.Namespace) -> int:
    """Classify, show the most likely classes, write the predictions."""
    import numpy as np

    from caffe.classifier import Classifier

    size = [int(each) for each in preprocessing.numbers("images_dim", args.images_dim)]
    classifier = preprocessing.net(args, Classifier, image_dims=size)
    names, images = _read(Path(args.input_file), args.ext)
    log.info("Classifying %d inputs.", len(images))
    start = perf_counter()
    predictions = classifier.predict(images, not args.center_only)
    log.info("Done in %.2f s.", perf_counter() - start)
    labels = Path(args.labels).read_text().splitlines() if args.labels else None
    for name, prediction in zip(names, predictions.reshape(len(names), -1), strict=True):
        _show(name, prediction, labels, args.top)
    if args.output_file:
        log.info("Saving results into %s", args.output_file)
        np.save(args.output_file, predictions)
    return 0


def _read(path: Path, ext: str) -> tuple[list[str], list[Any]]:
    """Return names and images ``(height, width, channels)``, from 0 to 1."""
    import numpy as np

    from caffe.images import load_image

    if path.suffix == ".npy":
        log.info("Loading file: %s", path)
        images = list(np.load(path))
        return [f"{path}[{index}]" for index in range(len(images))], images
    files = sorted(path.glob(f"*.{ext}")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path} has no files *.{ext}; give their suffix by --ext")
    log.info("Loading %s: %s", "folder" if path.is_dir() else "file", path)
    return [str(each) for each in files], [load_image(each) for each in files]


def _show(name: str, prediction: Any, labels: list[str] | None, count: int) -> None:
    print(f"{name}:")
    for index in prediction.argsort()[::-1][:count]:
        label = labels[index] if labels and index < len(labels) else f"class {index}"
        print(f"  {prediction[index]:.4f}  {label}")
