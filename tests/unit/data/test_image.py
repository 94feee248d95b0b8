from __future__ import annotations

import builtins
import io

import numpy as np
import pytest
from PIL import Image

from caffe_core.data import image
from caffe_core.errors import DataError

RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
GRAY = RGB[..., 0]


def encoded(pixels, kind="PNG", **options):
    file = io.BytesIO()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(file, kind, **options)
    return file.getvalue()


def test_color_is_blue_first():
    found = image.decode(encoded(RGB))
    np.testing.assert_array_equal(found, RGB.transpose(2, 0, 1)[::-1])
    assert found.flags.c_contiguous
    assert found.dtype == np.uint8


def test_gray_stays_gray_unless_forced():
    np.testing.assert_array_equal(image.decode(encoded(GRAY)), GRAY[None])
    np.testing.assert_array_equal(image.decode(encoded(GRAY), color=True), np.stack([GRAY] * 3))
    np.testing.assert_array_equal(image.decode(encoded(GRAY), color=False), GRAY[None])


def test_color_to_gray_weighs_red_green_and_blue():
    found = image.decode(encoded(RGB), color=False)
    assert found.shape == (1, 5, 7)
    expected = RGB @ [0.299, 0.587, 0.114]
    assert np.abs(found[0] - expected).max() <= 1
    np.testing.assert_array_equal(found[0], np.floor(RGB @ (np.array([9798, 19235, 3735]) / 32768)))


def test_jpeg_color_and_gray():
    smooth = np.tile(np.arange(0, 64, dtype=np.uint8)[None, :, None], (16, 1, 3))
    smooth[..., 2] = 200
    content = encoded(smooth, "JPEG", quality=100, subsampling=0)
    assert np.abs(image.decode(content).astype(int) - smooth.transpose(2, 0, 1)[::-1]).max() <= 3
    gray = image.decode(content, color=False)
    assert gray.shape == (1, 16, 64)
    assert np.abs(gray[0] - smooth @ [0.299, 0.587, 0.114]).max() <= 2


def test_transparency_is_a_fourth_channel_unless_color_is_forced():
    rgba = np.dstack([RGB, GRAY])
    content = encoded(rgba)
    np.testing.assert_array_equal(image.decode(content), rgba.transpose(2, 0, 1)[[2, 1, 0, 3]])
    np.testing.assert_array_equal(image.decode(content, color=True), RGB.transpose(2, 0, 1)[::-1])


def test_palette_is_looked_up():
    palette = Image.fromarray(np.full((2, 2, 3), [10, 20, 30], np.uint8)).quantize(4)
    assert palette.mode == "P"
    assert image.decode(encoded(palette))[:, 0, 0].tolist() == [30, 20, 10]


def test_one_bit_becomes_black_and_white():
    found = image.decode(encoded(Image.fromarray(np.array([[True, False]]))))
    assert found.tolist() == [[[255, 0]]]


def test_sixteen_bits_are_refused():
    deep = Image.fromarray(np.full((2, 2), 1000, np.uint16))
    with pytest.raises(DataError, match="not bytes; convert the image to 8 bits"):
        image.decode(encoded(deep))


@pytest.mark.parametrize("content", [b"", b"not an image", encoded(RGB)[:60]])
def test_undecodable(content):
    with pytest.raises(
        DataError, match=f"{len(content)} bytes beginning with .* cannot be decoded"
    ):
        image.decode(content)


def test_without_pillow(monkeypatch):
    def no_pillow(name, *args, **options):
        if name == "PIL":
            raise ImportError("No module named 'PIL'")
        return unpatched(name, *args, **options)

    unpatched = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", no_pillow)
    with pytest.raises(DataError, match="pip install pillow"):
        image.decode(encoded(RGB))


def test_resize_to_the_same_size_is_a_view():
    planes = RGB.transpose(2, 0, 1)
    assert image.resize(planes, 5, 7) is planes


def test_halving_takes_the_mean_of_four():
    planes = np.array([[[0, 4, 100, 104], [8, 12, 108, 112]]], np.uint8)
    assert image.resize(planes, 1, 2).tolist() == [[[6, 106]]]


def test_doubling_is_bilinear_and_keeps_the_edges():
    line = np.array([[[0, 100]]], np.uint8)
    assert image.resize(line, 1, 4).tolist() == [[[0, 25, 75, 100]]]
    assert image.resize(line.transpose(0, 2, 1), 4, 1).ravel().tolist() == [0, 25, 75, 100]


@pytest.mark.parametrize("size", [(3, 4), (11, 5), (1, 1), (6, 23)])
def test_resize_agrees_with_the_formula(size):
    planes = RGB.transpose(2, 0, 1).astype(np.uint8)
    found = image.resize(planes, *size)
    expected = planes.astype(float)
    for axis, wanted in zip((1, 2), size, strict=True):
        old = expected.shape[axis]
        place = np.clip((np.arange(wanted) + 0.5) * old / wanted - 0.5, 0, old - 1)
        before = np.minimum(place.astype(int), max(old - 2, 0))
        weight = (place - before).reshape([-1 if each == axis else 1 for each in range(3)])
        after = np.minimum(before + 1, old - 1)
        expected = expected.take(before, axis) * (1 - weight) + expected.take(after, axis) * weight
    assert found.shape == (3, *size)
    assert np.abs(found - expected).max() <= 1
