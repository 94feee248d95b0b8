from __future__ import annotations

import numpy as np
import pytest

from caffe_core.convolution import ConvolutionGeometry
from caffe_core.im2col import Columns, Patches
from caffe_core.layer import Layer
from caffe_core.proto import caffe_pb2


def geometry(axes=2, **fields):
    param = caffe_pb2.LayerParameter(name="conv", type="Convolution")
    for name, value in fields.items():
        field = getattr(param.convolution_param, name)
        if isinstance(field, int):
            setattr(param.convolution_param, name, value)
        else:
            field.extend(value)
    return ConvolutionGeometry.read(Layer(param), axes)


def test_what_is_left_out_is_stride_one_no_pad_no_dilation():
    assert geometry(kernel_size=[3]) == ConvolutionGeometry((3, 3), (1, 1), (0, 0), (1, 1))


def test_values_are_given_once_or_for_each_axis():
    found = geometry(3, kernel_size=[1, 2, 3], stride=[2], pad=[0, 1, 2], dilation=[1, 1, 2])
    assert found == ConvolutionGeometry((1, 2, 3), (2, 2, 2), (0, 1, 2), (1, 1, 2))
    assert found.extent == (1, 2, 5)


def test_two_axes_may_be_given_by_name():
    found = geometry(kernel_h=3, kernel_w=1, pad_w=2, stride_h=2, stride_w=3)
    assert found == ConvolutionGeometry((3, 1), (2, 3), (0, 2), (1, 1))


def test_without_spatial_axes_there_is_nothing_to_give_a_value_for():
    found = geometry(0, kernel_size=[1])
    assert found == ConvolutionGeometry((), (), (), ())
    assert (found.positions(()), found.padded(()), found.pointwise) == ((), (), True)


@pytest.mark.parametrize(
    ("length", "fields", "positions", "padded"),
    [
        (7, {"kernel_size": [3]}, 5, 7),
        (7, {"kernel_size": [3], "stride": [2], "pad": [1]}, 4, 9),
        (6, {"kernel_size": [3], "stride": [2], "pad": [1]}, 3, 8),
        (7, {"kernel_size": [3], "dilation": [3]}, 1, 7),
        (3, {"kernel_size": [4], "stride": [2]}, 1, 4),
        (3, {"kernel_size": [4]}, 0, 3),
        (3, {"kernel_size": [9], "stride": [2]}, -2, 3),
    ],
)
def test_positions_are_counted_as_caffe_does(length, fields, positions, padded):
    found = geometry(1, **fields)
    assert found.positions((length,)) == (positions,)
    assert found.padded((length,)) == (padded,)


@pytest.mark.parametrize(
    "fields", [{"kernel_size": [2]}, {"stride": [2]}, {"pad": [1]}, {"kernel_size": [1, 2]}]
)
def test_only_a_kernel_of_one_element_that_goes_everywhere_is_pointwise(fields):
    assert not geometry(**({"kernel_size": [1]} | fields)).pointwise


def test_im2col_copies_patches_and_col2im_adds_them_up():
    shape = geometry(1, kernel_size=[3], stride=[2], pad=[1])
    images = np.arange(1.0, 11).reshape(2, 1, 5)
    patches = Patches(shape, images.shape, 2, np.full(14, np.nan))
    patches.clear_border()
    patches.load(images)
    columns = Columns(patches, slice(1, 3), np.empty(12))
    columns.im2col()
    assert columns.array[0, :, :, 0].T.tolist() == [[2, 3, 4], [4, 5, 0]]
    assert columns.array[0, :, :, 1].T.tolist() == [[7, 8, 9], [9, 10, 0]]
    assert columns.span == slice(1, 3)
    patches.padded.fill(0)
    columns.col2im()
    patches.store(images)
    assert images.tolist() == [[[0, 2, 3, 8, 5]], [[0, 7, 8, 18, 10]]]


@pytest.mark.parametrize(
    ("positions", "fields", "image"),
    [
        (5, {"kernel_size": [3]}, 7),
        (4, {"kernel_size": [4], "stride": [2], "pad": [1]}, 8),
        (1, {"kernel_size": [3], "dilation": [3]}, 7),
        (1, {"kernel_size": [3], "pad": [2]}, -1),
    ],
)
def test_the_least_image_with_so_many_positions(positions, fields, image):
    found = geometry(1, **fields)
    assert found.image((positions,)) == (image,)
    if image > 0:
        assert found.positions((image,)) == (positions,)
        assert found.positions((image - 1,)) == (positions - 1,)


@pytest.mark.parametrize(
    ("fields", "blocks"),
    [
        ({"kernel_size": [3]}, [(0, 1), (1, 2), (2, 3)]),
        ({"kernel_size": [5], "stride": [2]}, [(0, 2), (2, 4), (4, 5)]),
        ({"kernel_size": [3], "stride": [4]}, [(0, 3)]),
        ({"kernel_size": [5], "stride": [6], "dilation": [4]}, [(0, 3), (3, 5)]),
    ],
)
def test_no_two_elements_of_a_block_see_the_same(fields, blocks):
    found = geometry(1, **fields)
    assert [(part.start, part.stop) for (part,) in found.blocks()] == blocks
    gap, step = found.dilation[0], found.stride[0]
    for start, stop in blocks:
        seen = [gap * tap + step * position for tap in range(start, stop) for position in range(9)]
        assert len(seen) == len(set(seen))
