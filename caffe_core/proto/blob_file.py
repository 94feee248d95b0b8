"""Files that hold one array, a ``BlobProto``: those that end in ``.binaryproto``."""

from __future__ import annotations

import os

from caffe_core.errors import ParseError
from caffe_core.proto.binary import map_file, what_it_is
from caffe_core.proto.files import errors_in
from caffe_core.proto.stored_blob import StoredBlob, read_blob
from caffe_core.proto.wire import WireError


def read_blob_file(path: str | os.PathLike[str]) -> StoredBlob:
    """Return the blob in a file; its values are a read-only view of the file.

    Raises:
        ParseError: The file is missing, cut off or holds something else.
    """
    data = map_file(path)
    with errors_in(os.fspath(path)):
        try:
            return read_blob(data, 0, len(data))
        except WireError as error:
            raise ParseError(what_it_is(data, str(error))) from error
