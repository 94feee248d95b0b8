from __future__ import annotations

import numpy as np
import pytest

from caffe_core.data import mean
from caffe_core.errors import CaffeError, DataError
from caffe_core.proto import caffe_pb2

IMAGE = np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 7


def save(path, **fields):
    path.write_bytes(caffe_pb2.BlobProto(**fields).SerializeToString())
    return str(path)


def test_there_and_back(tmp_path):
    path = str(tmp_path / "mean.binaryproto")
    mean.write(path, IMAGE)
    np.testing.assert_array_equal(mean.read(path), IMAGE)


def test_is_written_with_the_axes_that_caffe_reads(tmp_path):
    path = tmp_path / "mean.binaryproto"
    mean.write(str(path), IMAGE)
    blob = caffe_pb2.BlobProto.FromString(path.read_bytes())
    assert (blob.num, blob.channels, blob.height, blob.width) == (1, 2, 3, 4)


@pytest.mark.parametrize("dims", [(1, 2, 3, 4), (2, 3, 4)])
def test_shape_in_the_newer_form(tmp_path, dims):
    path = save(tmp_path / "m", shape={"dim": dims}, data=IMAGE.ravel().tolist())
    np.testing.assert_array_equal(mean.read(path), IMAGE)


def test_doubles(tmp_path):
    path = save(tmp_path / "m", shape={"dim": (1, 1, 2)}, double_data=[0.1, 0.2])
    assert mean.read(path).ravel().tolist() == [0.1, 0.2]


def test_missing(tmp_path):
    (tmp_path / "mean.binaryproto").write_bytes(b"")
    with pytest.raises(DataError, match=r"mean image.*'mean\.binaryproto'"):
        mean.read(str(tmp_path / "mean.binproto"))


@pytest.mark.parametrize("content", [b"\xff\xff\xff\xff\xff", b"\x22\x7fno"])
def test_something_else(tmp_path, content):
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(DataError, match="is not a mean image"):
        mean.read(str(tmp_path / "m"))


@pytest.mark.parametrize("dims", [(2, 1, 3, 4), (24,), (1, 1, 2, 3, 4)])
def test_not_one_image(tmp_path, dims):
    path = save(tmp_path / "m", shape={"dim": dims}, data=IMAGE.ravel().tolist())
    with pytest.raises(DataError, match="expected one image"):
        mean.read(path)


def test_empty_file(tmp_path):
    with pytest.raises(DataError, match="is not a mean image"):
        mean.read(save(tmp_path / "m"))


def test_cannot_be_written(tmp_path):
    with pytest.raises(CaffeError, match="cannot be written"):
        mean.write(str(tmp_path / "no" / "mean"), IMAGE)
