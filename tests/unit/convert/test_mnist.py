from __future__ import annotations

import gzip

import numpy as np
import pytest

from caffe_core.data import datum

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 5, 4), np.uint8)
LABELS = np.arange(12) % 10


@pytest.fixture(params=["", ".gz"])
def folder(request, tmp_path, write_idx):
    path = tmp_path / "mnist"
    path.mkdir()
    for prefix, which in (("train", slice(9)), ("t10k", slice(9, None))):
        write_idx(path / f"{prefix}-images-idx3-ubyte{request.param}", IMAGES[which])
        write_idx(path / f"{prefix}-labels-idx1-ubyte{request.param}", LABELS[which])
    return path


def test_four_files(convert, records, folder, tmp_path):
    status, log = convert("mnist", folder, tmp_path / "out")
    assert status == 0
    assert "Wrote 9 records" in log
    assert "Wrote 3 records" in log
    train = records(tmp_path / "out" / "mnist_train_lmdb")
    test = records(tmp_path / "out" / "mnist_test_lmdb")
    assert [key for key, _ in train] == [f"{index:08d}" for index in range(9)]
    assert [key for key, _ in test] == ["00000000", "00000001", "00000002"]
    found = [each for _, each in (*train, *test)]
    np.testing.assert_array_equal([datum.to_array(each)[0] for each in found], IMAGES)
    assert [each.label for each in found] == LABELS.tolist()


def test_one_pair(convert, records, tmp_path, write_idx):
    images = write_idx(tmp_path / "images", IMAGES)
    labels = write_idx(tmp_path / "labels.gz", LABELS)
    db = tmp_path / "db"
    assert convert("mnist", "--images", images, "--labels", labels, f"--output={db}")[0] == 0
    assert len(records(db)) == 12


def test_names_with_a_dot(convert, records, tmp_path, write_idx):
    for prefix in ("train", "t10k"):
        write_idx(tmp_path / f"{prefix}-images.idx3-ubyte", IMAGES)
        write_idx(tmp_path / f"{prefix}-labels.idx1-ubyte", LABELS)
    assert convert("mnist", tmp_path, tmp_path / "out")[0] == 0
    assert len(records(tmp_path / "out" / "mnist_test_lmdb")) == 12


def test_existing_output_needs_force(convert, records, folder, tmp_path):
    assert convert("mnist", folder, tmp_path)[0] == 0
    status, log = convert("mnist", folder, tmp_path)
    assert status == 1
    assert "mnist_train_lmdb' exists already" in log
    assert convert("mnist", folder, tmp_path, "--force")[0] == 0


def test_missing_file(convert, tmp_path, write_idx):
    write_idx(tmp_path / "train-images-idx3-ubyte", IMAGES)
    status, log = convert("mnist", tmp_path, tmp_path / "out")
    assert status == 1
    assert "has no file 'train-labels-idx1-ubyte' or 'train-labels-idx1-ubyte.gz'" in log


@pytest.mark.parametrize(
    "args", [(), ("dir",), ("--images", "a", "--labels", "b"), ("dir", "out", "--images", "a")]
)
def test_incomplete_arguments(convert, args):
    status, log = convert("mnist", *args)
    assert status == 1
    assert "expected `caffe convert mnist DIR OUT` or" in log


def pair(convert, tmp_path, images, labels):
    return convert("mnist", "--images", images, "--labels", labels, "--output", tmp_path / "db")


def test_images_and_labels_of_different_number(convert, tmp_path, write_idx):
    images = write_idx(tmp_path / "images", IMAGES)
    labels = write_idx(tmp_path / "labels", LABELS[:11])
    status, log = pair(convert, tmp_path, images, labels)
    assert status == 1
    assert "has 12 images" in log
    assert "has 11 labels" in log
    assert not (tmp_path / "db").exists()


@pytest.mark.parametrize("change", [-1, 1])
def test_wrong_size(convert, tmp_path, write_idx, change):
    images = write_idx(tmp_path / "images", IMAGES)
    content = images.read_bytes()
    images.write_bytes(content[:change] if change < 0 else content + b"x")
    status, log = pair(convert, tmp_path, images, write_idx(tmp_path / "labels", LABELS))
    assert status == 1
    assert f"images of shape (12, 5, 4) take 256 bytes, found {256 + change}" in log


def test_truncated_gzip(convert, tmp_path, write_idx):
    images = tmp_path / "images.gz"
    images.write_bytes(gzip.compress(IMAGES.tobytes())[:-20])
    status, log = pair(convert, tmp_path, images, write_idx(tmp_path / "labels", LABELS))
    assert status == 1
    assert "is not a whole gzip file" in log


def test_images_and_labels_exchanged(convert, tmp_path, write_idx):
    images = write_idx(tmp_path / "images", IMAGES)
    labels = write_idx(tmp_path / "labels", LABELS)
    status, log = pair(convert, tmp_path, labels, images)
    assert status == 1
    assert (
        "expected an IDX file of images, whose first bytes are 00 00 08 03; found 00 00 08 01"
        in log
    )


@pytest.mark.parametrize("content", [b"", b"\0\0\x08\x03\0\0"])
def test_header_cut_off(convert, tmp_path, write_idx, content):
    (tmp_path / "images").write_bytes(content)
    labels = write_idx(tmp_path / "labels", LABELS)
    status, log = pair(convert, tmp_path, tmp_path / "images", labels)
    assert status == 1
    assert "expected an IDX file of images" in log


def test_file_that_does_not_exist(convert, tmp_path, write_idx):
    labels = write_idx(tmp_path / "labels", LABELS)
    status, log = pair(convert, tmp_path, tmp_path / "label", labels)
    assert status == 1
    assert "does not exist (expected: IDX file" in log
    assert "Did you mean 'labels'?" in log


def test_unknown_backend(convert, tmp_path, folder):
    status, log = convert("mnist", folder, tmp_path / "out", "--backend", "parquet")
    assert status == 1
    assert "no data source 'PARQUET'" in log
