"""``caffe convert imageset``: a database of image files, as Caffe's convert_imageset makes it."""

from __future__ import annotations

import argparse
import io
import logging
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from caffe_convert import database
from caffe_core.errors import DataError

help = "image files named in a list"

logger = logging.getLogger("caffe")

_QUALITY = 95  # of JPEG, out of 100: what OpenCV takes by default


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments, which are those of Caffe's tool."""
    flag = parser.add_argument
    flag("root", help="folder that the names in the list are relative to")
    flag("list", help="text file with a line `NAME LABEL` for each image")
    flag("db", help="database to write")
    flag("--gray", action="store_true", help="make all images gray; else all have three channels")
    flag("--shuffle", action="store_true", help="put the images into a random order")
    flag("--seed", type=int, default=0, help="seed of --shuffle (0)")
    flag("--resize-height", "--resize_height", type=int, default=0, metavar="H", help="new height")
    flag("--resize-width", "--resize_width", type=int, default=0, metavar="W", help="new width")
    flag("--check-size", "--check_size", action="store_true", help="insist on images of one size")
    flag("--encoded", action="store_true", help="store JPEG or PNG files instead of pixels")
    flag("--encode-type", "--encode_type", default="", metavar="TYPE", help="such as png or jpg")
    database.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Convert, and return the exit status."""
    from caffe_core.data.image_list import read_list

    lines = read_list(args.list)
    if args.shuffle:
        logger.info("Shuffling data")
        random.Random(args.seed).shuffle(lines)
    logger.info("A total of %d images.", len(lines))
    database.write(args.db, _records(lines, args), args)
    return 0


def _records(lines: list[Any], args: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """Yield the records; images that cannot be read are reported and left out, as in Caffe."""
    shape, good = None, 0
    for index, (name, label, _) in enumerate(lines):
        try:
            datum, found = _datum(f"{args.root}/{name}" if args.root else name, label, args)
        except (DataError, OSError) as error:
            logger.error("Could not open or find file %s: %s", name, error)
            continue
        shape = shape or found
        if args.check_size and found != shape:
            raise DataError(
                f"{name!r} is {found} (channels, height, width), images before it are {shape}; "
                "give --resize-height and --resize-width"
            )
        good += 1
        yield f"{index:08d}_{name}", datum
    if good == 0:
        raise DataError(f"none of the {len(lines)} images in {args.list!r} could be read")
    if good < len(lines):
        logger.warning("%d of %d images could not be read", len(lines) - good, len(lines))


def _datum(path: str, label: int, args: argparse.Namespace) -> tuple[Any, tuple[int, ...]]:
    """Return one image as a ``Datum``, and its shape."""
    from caffe_core.data import datum, image
    from caffe_core.proto import caffe_pb2

    content = Path(path).read_bytes()
    pixels = image.decode(content, color=not args.gray)
    resized = bool(args.resize_height and args.resize_width)
    if resized:
        pixels = image.resize(pixels, args.resize_height, args.resize_width)
    if not (args.encoded or args.encode_type):
        return datum.from_array(pixels, label), pixels.shape
    file_type = _type(os.path.splitext(path)[1])
    wanted = _type(args.encode_type) or file_type
    unchanged = wanted == file_type and not resized and image.decode(content).shape == pixels.shape
    data = content if unchanged else _encode(pixels, wanted)
    return caffe_pb2.Datum(data=data, label=label, encoded=True), pixels.shape


def _type(extension: str) -> str:
    bare = extension.lstrip(".").lower()
    return "jpeg" if bare == "jpg" else bare


def _encode(pixels: Any, file_type: str) -> bytes:
    """Return an image ``(channels, height, width)``, in the order BGR, as the content of a file."""
    from PIL import Image

    known = {_type(extension): name for extension, name in Image.registered_extensions().items()}
    if known.get(file_type) not in Image.SAVE:
        raise DataError(f"images cannot be encoded as {file_type!r}; give --encode-type png or jpg")
    picture = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels[::-1].transpose(1, 2, 0))
    file = io.BytesIO()
    picture.save(file, known[file_type], quality=_QUALITY)
    return file.getvalue()
