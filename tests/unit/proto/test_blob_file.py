"""Files with one blob: what is read, and what is said of those that hold something else."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.errors import ParseError
from caffe_core.proto import caffe_pb2
from caffe_core.proto.blob_file import read_blob_file


def test_a_blob_is_read_in_its_shape(tmp_path):
    path = tmp_path / "H.binaryproto"
    blob = caffe_pb2.BlobProto(shape={"dim": (2, 3)}, data=range(6))
    path.write_bytes(blob.SerializeToString())
    np.testing.assert_array_equal(read_blob_file(path).data, np.arange(6).reshape(2, 3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"layer { }", "this is text"),
        (b"\x2a\x08\0\0", "The file is cut off or damaged"),
    ],
)
def test_something_else(tmp_path, content, message):
    path = tmp_path / "H.binaryproto"
    path.write_bytes(content)
    with pytest.raises(ParseError, match=rf"H\.binaryproto: .*{message}"):
        read_blob_file(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(ParseError, match=r"H\.binaryproto: cannot be read"):
        read_blob_file(tmp_path / "H.binaryproto")
