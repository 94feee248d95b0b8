"""IDX: the format of the MNIST files. See http://yann.lecun.com/exdb/mnist/ for it."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any

from caffe_core.errors import DataError

_GZIP = b"\x1f\x8b"
_BYTES = 8  # the code of the element type


def read(path: str, axes: int) -> Any:
    """Return the uint8 array in an IDX file, gzipped or not.

    Args:
        path: The file.
        axes: How many axes the array must have: 3 for images, 1 for labels.

    Raises:
        DataError: The file does not exist, is damaged, or holds something else.
    """
    import numpy as np

    content = _content(path)
    kind = {3: "images", 1: "labels"}[axes]
    magic = bytes((0, 0, _BYTES, axes))
    header = 4 + 4 * axes
    if content[:4] != magic or len(content) < header:
        raise DataError(
            f"{path!r}: expected an IDX file of {kind}, whose first bytes are {magic.hex(' ')}; "
            f"found {content[:4].hex(' ') or 'nothing'}"
        )
    shape = struct.unpack_from(f">{axes}I", content, 4)
    expected = header + math.prod(shape)
    if len(content) != expected:
        raise DataError(
            f"{path!r}: {kind} of shape {shape} take {expected} bytes, found {len(content)}; "
            "the file is damaged, download it again"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _content(path: str) -> bytes:
    if not os.path.isfile(path):
        from caffe_core.data.source import missing

        raise missing(path, "IDX file")
    content = Path(path).read_bytes()
    if content[:2] != _GZIP:
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path!r} ({len(content)} bytes) is not a whole gzip file: {error}; download it again"
        ) from error
