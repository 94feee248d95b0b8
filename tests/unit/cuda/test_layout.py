"""Where axes lie in memory."""

from __future__ import annotations

import pytest

from caffe_core.blob import CHANNELS_LAST, CONTIGUOUS, Blob
from caffe_core.cuda.layout import around, beside, memory_order


def blob(shape, memory_format=CONTIGUOUS):
    made = Blob(shape)
    made.format = memory_format
    return made


def test_the_order_of_memory_is_that_of_the_strides():
    for shape in [(2,), (2, 3), (2, 3, 4), (2, 3, 4, 5), (2, 3, 4, 5, 6)]:
        for memory_format in (CONTIGUOUS, CHANNELS_LAST):
            each = blob(shape, memory_format)
            strides = [each.data.strides[axis] for axis in memory_order(each)]
            assert strides == sorted(strides, reverse=True)


def test_around_an_axis_and_around_several():
    assert around(blob((2, 3, 4, 5)), 1) == (2, 20)
    assert around(blob((2, 3, 4, 5)), 2, 4) == (6, 1)
    assert around(blob((2, 3, 4, 5), CHANNELS_LAST), 1) == (40, 1)
    assert around(blob((2, 3, 4, 5), CHANNELS_LAST), 2, 4) == (2, 3)


@pytest.mark.parametrize(
    ("part", "start", "contiguous", "channels_last"),
    [
        ((3,), 1, (2, 20), (40, 1)),
        ((4, 5), 2, (6, 1), (2, 3)),
        ((), 0, (1, 120), (1, 120)),
        ((2, 3), 0, (1, 20), None),
        ((3, 4), 1, (2, 5), None),
        ((3, 4, 5), 1, (2, 1), None),
        ((2, 3, 4, 5), 0, (1, 1), None),
    ],
)
def test_beside_a_smaller_blob(part, start, contiguous, channels_last):
    assert beside(blob((2, 3, 4, 5)), blob(part), start) == contiguous
    assert beside(blob((2, 3, 4, 5), CHANNELS_LAST), blob(part), start) == channels_last


def test_beside_a_smaller_blob_that_is_channels_last_too():
    large = blob((2, 3, 4, 5), CHANNELS_LAST)
    assert beside(large, blob((2, 3, 4, 5), CHANNELS_LAST), 0) == (1, 1)
    assert beside(large, blob((3, 4, 5), CHANNELS_LAST), 1) is None
