from __future__ import annotations

import numpy as np
import pytest
from caffe_data_lmdb import LMDB

from caffe_core.data import datum, mean

IMAGES = np.random.default_rng(0).integers(0, 256, (300, 3, 4, 5), np.uint8)


@pytest.fixture
def write(tmp_path):
    def write(images):
        with LMDB.create(str(tmp_path / "db")) as writer:
            for index, image in enumerate(images):
                writer.put(b"%08d" % index, datum.from_array(image).SerializeToString())
        return tmp_path / "db"

    return write


@pytest.mark.parametrize("images", [IMAGES, IMAGES[:1], IMAGES.astype(np.float32) / 7])
def test_mean(convert, tmp_path, write, images):
    status, log = convert("mean", write(images), tmp_path / "mean.binaryproto")
    assert status == 0
    expected = images.mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(mean.read(str(tmp_path / "mean.binaryproto")), expected, rtol=1e-6)
    assert "Number of channels: 3" in log
    for channel in range(3):
        assert f"mean_value channel [{channel}]: {expected[channel].mean():g}" in log


def test_without_output(convert, write):
    status, log = convert("mean", write(IMAGES))
    assert status == 0
    assert "mean_value channel [2]" in log


def test_existing_output_needs_force(convert, tmp_path, write):
    output = tmp_path / "mean.binaryproto"
    output.write_text("mine")
    db = write(IMAGES)
    status, log = convert("mean", db, output)
    assert status == 1
    assert "exists already" in log
    assert output.read_text() == "mine"
    assert convert("mean", db, output, "--force")[0] == 0


def test_images_of_two_shapes(convert, write):
    status, log = convert("mean", write([IMAGES[0], IMAGES[1], IMAGES[2, :, :3]]))
    assert status == 1
    assert "record 2 (key b'00000002') is (3, 3, 5), the first (3, 4, 5)" in log


def test_missing_database(convert, tmp_path):
    status, log = convert("mean", tmp_path / "db")
    assert status == 1
    assert "does not exist" in log
