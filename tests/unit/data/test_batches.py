from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from caffe_core.data import datum
from caffe_core.data.batches import BatchReader
from caffe_core.data.source import open_source
from caffe_core.data.transformer import DataTransformer
from caffe_core.errors import DataError
from caffe_core.layer import Phase
from caffe_core.proto import caffe_pb2


def reader(path, batch_size, seed=1, start=0, phase=Phase.TRAIN, **transform):
    transformer = DataTransformer(caffe_pb2.TransformationParameter(**transform), phase)
    return closing(BatchReader(open_source("LMDB", path), transformer, batch_size, seed, start))


def read(build, numbers, shape):
    """Return copies of these batches, ``(images, labels)`` each."""
    slot = [np.empty(shape, np.float32), np.empty(shape[:1], np.float32)]
    found = []
    for number in numbers:
        build(number, slot)
        found.append([array.copy() for array in slot])
    return found


def labels(batches):
    return [batch[1].astype(int).tolist() for batch in batches]


def test_batches_go_around(write_db, numbered):
    with reader(write_db(numbered(5)), 3) as build:
        found = read(build, range(4), (3, 1, 2, 3))
    assert labels(found) == [[0, 1, 2], [3, 4, 0], [1, 2, 3], [4, 0, 1]]
    assert all(
        (image == label).all()
        for images, each in found
        for image, label in zip(images, each, strict=True)
    )


def test_batch_larger_than_the_database(write_db, numbered):
    with reader(write_db(numbered(2)), 5) as build:
        assert labels(read(build, range(2), (5, 1, 2, 3))) == [[0, 1, 0, 1, 0], [1, 0, 1, 0, 1]]


def test_start(write_db, numbered):
    with reader(write_db(numbered(5)), 2, start=3) as build:
        assert labels(read(build, range(2), (2, 1, 2, 3))) == [[3, 4], [0, 1]]


def test_without_labels(write_db, numbered):
    with reader(write_db(numbered(2)), 2) as build:
        slot = [np.empty((2, 1, 2, 3), np.float32)]
        build(0, slot)
        assert slot[0][1].max() == 1


RANDOM = {"crop_size": 4, "mirror": True}


@pytest.fixture(params=["plain", "encoded"])
def pictures(request, write_db, png):
    pixels = np.random.default_rng(0).integers(0, 256, (11, 6, 7, 3), np.uint8)
    if request.param == "encoded":
        return write_db([png(each, index) for index, each in enumerate(pixels)])
    planes = pixels.transpose(0, 3, 1, 2)[:, ::-1]
    return write_db([datum.from_array(each, index) for index, each in enumerate(planes)])


def test_random_batches_depend_on_seed_and_number_alone(pictures):
    shape = (4, 3, 4, 4)
    with reader(pictures, 4, **RANDOM) as build:
        first = read(build, range(6), shape)
    with reader(pictures, 4, **RANDOM) as build:
        second = read(build, [5, 2], shape)
    with reader(pictures, 4, seed=2, **RANDOM) as build:
        other = read(build, [5, 2], shape)
    for number, again, differs in zip([5, 2], second, other, strict=True):
        np.testing.assert_array_equal(first[number][0], again[0])
        np.testing.assert_array_equal(first[number][1], differs[1])
        assert (first[number][0] != differs[0]).any()


def test_same_images_are_treated_differently_in_the_next_round(write_db, png, pictures):
    with reader(pictures, 11, **RANDOM) as build:
        (first, _), (second, _) = read(build, range(2), (11, 3, 4, 4))
    assert (first != second).any()


def test_plain_and_encoded_pixels_come_out_alike(write_db, png):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 3), np.uint8)
    planes = pixels.transpose(0, 3, 1, 2)[:, ::-1]
    plain = write_db([datum.from_array(each) for each in planes], "plain")
    encoded = write_db([png(each) for each in pixels], "encoded")
    found = []
    for path in (plain, encoded):
        with reader(path, 5, scale=0.1, **RANDOM) as build:
            found.append(read(build, [3], (5, 3, 4, 4))[0][0])
    np.testing.assert_array_equal(*found)


def test_vectorised_and_single_images_come_out_alike(write_db, png):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 6, 7), np.uint8)
    plain = write_db([datum.from_array(each[None]) for each in pixels], "plain")
    encoded = write_db([png(each) for each in pixels], "encoded")
    found = []
    for path in (plain, encoded):
        with reader(path, 5, phase=Phase.TEST, crop_size=3, mean_value=[7], scale=0.3) as build:
            found.append(read(build, [0], (5, 1, 3, 3))[0][0])
    np.testing.assert_array_equal(*found)


def test_number_of_decoding_threads(write_db, png, monkeypatch):
    monkeypatch.setenv("CAFFE_THREADS", "3")
    with reader(write_db([png(np.zeros((4, 4), np.uint8))]), 8) as build:
        read(build, range(2), (8, 1, 4, 4))
        assert build._threads._pool._max_workers == 3


def test_one_image_may_have_any_size(write_db, png):
    sizes = [(4, 5), (6, 3), (4, 5)]
    with reader(write_db([png(np.full(size, 9, np.uint8)) for size in sizes]), 1) as build:
        found = read(build, range(3), (1, 1, 4, 5))
    assert [images.shape[2:] for images, _ in found] == sizes
    assert all((images == 9).all() for images, _ in found)


def message(path, batch_size, shape, **transform):
    with reader(path, batch_size, **transform) as build, pytest.raises(DataError) as caught:
        read(build, range(3), shape)
    return str(caught.value)


def test_sizes_that_differ_in_a_batch(write_db, numbered):
    path = write_db([*numbered(3), *numbered(1, (1, 3, 3)), *numbered(1)])
    found = message(path, 5, (5, 1, 2, 3))
    assert f"{path!r}, record 3 of 5 (key b'00000003'): the image is (1, 3, 3)" in found
    assert "(1, 2, 3)" in found
    assert "set crop_size" in found


def test_channels_that_differ_in_a_batch(write_db, png):
    path = write_db([png(np.zeros((2, 3), np.uint8)), png(np.zeros((2, 3, 3), np.uint8))])
    assert "record 1 of 2 (key b'00000001')" in message(path, 2, (2, 1, 2, 3))
    assert "set force_color or force_gray" in message(path, 2, (2, 1, 2, 3))


def test_a_whole_batch_of_another_size(write_db, numbered):
    path = write_db([*numbered(2), *numbered(2, (1, 9, 9))])
    assert "record 2 of 4" in message(path, 2, (2, 1, 2, 3))


def test_undecodable_record(write_db, png):
    good = png(np.zeros((2, 3), np.uint8))
    bad = caffe_pb2.Datum(data=b"trash", encoded=True)
    found = message(write_db([good, good, good, bad]), 2, (2, 1, 2, 3))
    assert (
        "record 3 of 4 (key b'00000003'): 5 bytes beginning with b'trash' cannot be decoded"
        in found
    )


def test_record_that_is_no_datum(write_db, numbered):
    path = write_db([*numbered(1), b"\xff\xff\xff"])
    assert "record 1 of 2 (key b'00000001'): the value (3 bytes) is not a Datum" in message(
        path, 2, (2, 1, 2, 3)
    )


def test_record_is_counted_around_the_end(write_db, numbered):
    path = write_db([*numbered(1), b"\xff\xff\xff"])
    with reader(path, 1) as build, pytest.raises(DataError, match="record 1 of 2"):
        read(build, [7], (1, 1, 2, 3))


def test_crop_larger_than_one_of_the_images(write_db, png):
    path = write_db([png(np.zeros((5, 5), np.uint8)), png(np.zeros((3, 5), np.uint8))])
    found = message(path, 2, (2, 1, 4, 4), crop_size=4)
    assert "record 1 of 2" in found
    assert "crop_size is 4, the image is 3 x 5" in found
