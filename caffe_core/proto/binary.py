"""Binary files as they come: mapped into memory, and named for what they are."""

from __future__ import annotations

import mmap
import os
import re
from pathlib import Path

from caffe_core.proto.files import cannot_read

Kinds = tuple[tuple[bytes, str], ...]

HDF5 = (rb"\x89HDF\r\n\x1a\n", "this is an HDF5 file. Rename it to end in .h5.")
_KINDS: Kinds = (
    (rb"\Z", "the file is empty. Copy or download it again."),
    (rb"\x1f\x8b", "this is a gzip file. Unpack it first."),
    (rb"PK\x03\x04", "this is a zip file (or a PyTorch or NumPy one), not a Caffe file."),
    (rb"version https://git-lfs", "this is a Git LFS pointer. Fetch the file with `git lfs pull`."),
    (rb"\s*<(?i:!doctype|html|\?xml)", "this is a web page. Download the file itself."),
    (rb"[\t\r\n -~]{64}|[\t\r\n -~]*\Z", "this is text. A prototxt is given as the model."),
)


def map_file(path: str | os.PathLike[str]) -> memoryview:
    """Return the content of a file, mapped into memory and read-only.

    Raises:
        ParseError: The file is missing or not readable.
    """
    try:
        with Path(path).open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:  # empty, or a pipe: mmap takes neither
                return memoryview(file.read())
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise cannot_read(path, error) from error


def what_it_is(data: memoryview, problem: str, others: Kinds = ()) -> str:
    """Say why `data` is no Caffe file: by what it looks like, else by where reading stopped.

    Args:
        data: Content of the file.
        problem: What stopped the reader, and where.
        others: How further kinds of file begin, and what to say of them.
    """
    start = bytes(data[:4096])
    for pattern, kind in (*_KINDS, *others):
        if re.match(pattern, start):
            return kind
    return f"{problem}. The file is cut off or damaged: copy or download it again."
