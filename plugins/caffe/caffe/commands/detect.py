"""``caffe detect``: what windows of images show."""

from __future__ import annotations

import argparse
import csv
import logging
from pathlib import Path
from time import perf_counter
from typing import Any

from caffe.commands import preprocessing
from caffe_core.errors import CaffeError, DataError

help = "say what windows of images show"

log = logging.getLogger("caffe")

_COORDINATES = ("ymin", "xmin", "ymax", "xmax")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "input_file",
        metavar="IN",
        help="a .csv file with columns filename, ymin, xmin, ymax, xmax; or, with selective "
        "search, a .txt file with the name of an image in each line",
    )
    parser.add_argument("output_file", metavar="OUT", help="what to write: .csv or .h5")
    preprocessing.add_arguments(parser)
    parser.add_argument(
        "--crop_mode",
        default="list",
        choices=("list", "selective_search"),
        help="where windows come from (list)",
    )
    parser.add_argument(
        "--context_pad",
        type=int,
        default=16,
        metavar="N",
        help="pixels of the input that show what is around a window (16)",
    )


def run(args: argparse.Namespace) -> int:
    """Detect, and write a row for each window."""
    from caffe.detector import Detector

    if Path(args.output_file).suffix not in (".csv", ".h5"):
        raise CaffeError(f"{args.output_file}: expected the suffix .csv or .h5")
    detector = preprocessing.net(args, Detector, context_pad=args.context_pad)
    log.info("Loading input...")
    start = perf_counter()
    if args.crop_mode == "list":
        found = detector.detect_windows(_windows(Path(args.input_file)))
    else:
        found = detector.detect_selective_search(Path(args.input_file).read_text().split())
    log.info("Processed %d windows in %.3f s.", len(found), perf_counter() - start)
    write = _write_hdf5 if args.output_file.endswith(".h5") else _write_csv
    write(args.output_file, found)
    log.info("Saved to %s", args.output_file)
    return 0


def _windows(path: Path) -> list[tuple[str, list[list[float]]]]:
    """Return the windows of each image in a .csv file."""
    images: dict[str, list[list[float]]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            try:
                window = [float(row[name]) for name in _COORDINATES]
                images.setdefault(row["filename"], []).append(window)
            except (KeyError, TypeError, ValueError) as error:
                raise DataError(
                    f"{path}: row {row}: expected columns filename, {', '.join(_COORDINATES)} "
                    f"({error})"
                ) from error
    return list(images.items())


def _write_csv(path: str, found: list[dict[str, Any]]) -> None:
    classes = len(found[0]["prediction"]) if found else 0
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filename", *_COORDINATES, *(f"class{each}" for each in range(classes))])
        for each in found:
            writer.writerow([each["filename"], *each["window"], *each["prediction"]])


def _write_hdf5(path: str, found: list[dict[str, Any]]) -> None:
    import h5py  # type: ignore[import-untyped]
    import numpy as np

    with h5py.File(path, "w") as file:
        file["filename"] = [each["filename"] for each in found]
        file["window"] = np.array([each["window"] for each in found])
        file["prediction"] = np.array([each["prediction"] for each in found])
