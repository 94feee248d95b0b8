from __future__ import annotations

import numpy as np
import pytest

from caffe_core.data import mean
from caffe_core.data.transformer import DataTransformer
from caffe_core.errors import DataError
from caffe_core.layer import Phase
from caffe_core.proto import caffe_pb2

IMAGE = np.random.default_rng(0).integers(0, 256, (3, 6, 7), np.uint8)


def transformer(phase=Phase.TEST, dtype=np.float32, **fields):
    return DataTransformer(caffe_pb2.TransformationParameter(**fields), phase, dtype)


def apply(make, image=IMAGE, draw=None, dtype=np.float32):
    out = np.full(make.output_shape(image.shape), np.nan, dtype)
    make(image, out, draw)
    return out


def test_nothing_asked_gives_the_pixels():
    np.testing.assert_array_equal(apply(transformer()), IMAGE)


def test_scale_comes_after_the_mean():
    found = apply(transformer(scale=0.5, mean_value=[10]))
    np.testing.assert_array_equal(found, (IMAGE.astype(np.float32) - 10) * 0.5)


def test_mean_value_for_each_channel():
    found = apply(transformer(mean_value=[1, 2, 3]))
    np.testing.assert_array_equal(found, IMAGE - np.array([1, 2, 3], np.float32).reshape(3, 1, 1))


@pytest.mark.parametrize("crop", [1, 3, 4, 5, 6])
def test_crop_in_the_centre(crop):
    top, left = (6 - crop) // 2, (7 - crop) // 2
    found = apply(transformer(crop_size=crop))
    np.testing.assert_array_equal(found, IMAGE[:, top : top + crop, left : left + crop])


def test_mean_file_is_cropped_and_mirrored_with_the_image(tmp_path):
    path = str(tmp_path / "mean.binaryproto")
    average = np.arange(126, dtype=np.float32).reshape(3, 6, 7)
    mean.write(path, average)
    make = transformer(crop_size=4, mean_file=path, mirror=True, scale=2)
    expected = ((IMAGE - average) * 2)[:, 1:5, 1:5]
    np.testing.assert_array_equal(apply(make, draw=(0, 0, 0.9)), expected)
    np.testing.assert_array_equal(apply(make, draw=(0, 0, 0.1)), expected[..., ::-1])


def test_crop_is_at_random_in_training_alone():
    assert transformer(Phase.TRAIN, crop_size=4).random
    assert not transformer(Phase.TEST, crop_size=4).random


@pytest.mark.parametrize("phase", list(Phase))
def test_mirror_is_at_random_in_both_phases(phase):
    make = transformer(phase, mirror=True)
    draws = make.draw(np.random.default_rng(0), 1000)
    mirrored = sum(np.array_equal(apply(make, draw=draw), IMAGE[..., ::-1]) for draw in draws)
    straight = sum(np.array_equal(apply(make, draw=draw), IMAGE) for draw in draws)
    assert mirrored + straight == 1000
    assert 440 < mirrored < 560


def test_random_crops_reach_every_place_alike():
    place = np.arange(42, dtype=np.uint8).reshape(1, 6, 7)
    make = transformer(Phase.TRAIN, crop_size=5)
    draws = make.draw(np.random.default_rng(0), 6000)
    corners, counts = np.unique(
        [apply(make, place, draw)[0, 0, 0] for draw in draws], return_counts=True
    )
    assert corners.tolist() == [0, 1, 2, 7, 8, 9]
    assert counts.min() > 880
    assert counts.max() < 1120


def test_crop_of_the_whole_image_in_training():
    make = transformer(Phase.TRAIN, crop_size=6)
    found = apply(make, IMAGE[..., :6], draw=np.array([0.999, 0.999, 0]))
    np.testing.assert_array_equal(found, IMAGE[..., :6])


def test_no_random_numbers_unless_needed():
    assert transformer(Phase.TRAIN, scale=0.1).draw(np.random.default_rng(0), 5) is None


def test_many_images_at_once():
    images = np.stack([IMAGE, IMAGE[::-1], 255 - IMAGE])
    make = transformer(crop_size=4, mean_value=[1, 2, 3], scale=0.1)
    out = np.empty((3, 3, 4, 4), np.float32)
    make(images, out)
    np.testing.assert_array_equal(out, [apply(make, image) for image in images])


def test_channels_last_output():
    out = np.empty((6, 7, 3), np.float32).transpose(2, 0, 1)
    transformer(mirror=True, mean_value=[1, 2, 3])(IMAGE, out, (0, 0, 0))
    expected = (IMAGE - np.array([1, 2, 3], np.float32).reshape(3, 1, 1))[..., ::-1]
    np.testing.assert_array_equal(out, expected)


def test_float64():
    make = transformer(dtype=np.float64, scale=0.1, mean_value=[0.3])
    found = apply(make, dtype=np.float64)
    expected = (IMAGE - np.float64(np.float32(0.3))) * np.float64(np.float32(0.1))
    np.testing.assert_array_equal(found, expected)


def test_color():
    assert transformer().color is None
    assert transformer(force_color=True).color is True
    assert transformer(force_gray=True).color is False


def test_force_color_and_gray():
    with pytest.raises(DataError, match="force_color and force_gray exclude"):
        transformer(force_color=True, force_gray=True)


def test_mean_file_and_value():
    with pytest.raises(DataError, match="mean_file and mean_value exclude"):
        transformer(mean_file="m", mean_value=[1])


def test_crop_larger_than_the_image():
    with pytest.raises(DataError, match="crop_size is 7, the image is 6 x 7"):
        transformer(crop_size=7).output_shape((3, 6, 7))


@pytest.mark.parametrize("count", [2, 4])
def test_number_of_mean_values(count):
    with pytest.raises(DataError, match=f"there are {count} mean_value, the image has 3 channels"):
        transformer(mean_value=range(count)).output_shape((3, 6, 7))


@pytest.mark.parametrize("shape", [(1, 6, 7), (3, 7, 6)])
def test_mean_file_of_another_shape(tmp_path, shape):
    path = str(tmp_path / "mean.binaryproto")
    mean.write(path, np.zeros(shape, np.float32))
    with pytest.raises(DataError, match=r"mean_file .* is for images"):
        transformer(mean_file=path).output_shape((3, 6, 7))


def test_mean_file_missing(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        transformer(mean_file=str(tmp_path / "mean"))
