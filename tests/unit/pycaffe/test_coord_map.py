# ruff: noqa: C408 (scripts for NetSpec are written so)
from __future__ import annotations

import caffe
import numpy as np
import pytest
from caffe import layers as L
from caffe.coord_map import AxisMismatchException, UndefinedMapException, coord_map_from_to, crop

from caffe_core.errors import CaffeError


def coord_net():
    """A data blob, and what a stride and paddings make of it."""
    n = caffe.NetSpec()
    n.data = L.Input(input_param=dict(shape=dict(dim=[2, 1, 10, 10])))
    n.aux = L.Input(input_param=dict(shape=dict(dim=[2, 1, 10, 10])))
    n.conv = L.Convolution(n.data, num_output=10, kernel_size=3, stride=2, pad=0)
    n.pool = L.Pooling(n.conv, kernel_size=3, stride=2, pad=1)
    n.relu = L.ReLU(n.pool, in_place=True)
    n.up = L.Deconvolution(
        n.relu, convolution_param=dict(num_output=10, kernel_size=8, stride=4, pad=0)
    )
    return n


def test_a_convolution_scales_and_shifts():
    n = coord_net()
    axis, a, b = coord_map_from_to(n.conv, n.data)
    assert (axis, a, b) == (1, 2, 1)
    axis, a, b = coord_map_from_to(n.relu, n.data)
    assert (axis, a, b) == (1, 4, 1)


def test_what_goes_up_again_lies_upon_its_origin():
    n = coord_net()
    axis, a, b = coord_map_from_to(n.up, n.data)
    assert (axis, a, b) == (1, 1, -2.5)


def test_crop_lays_one_blob_upon_another():
    n = coord_net()
    n.wide = L.Deconvolution(n.conv, convolution_param=dict(num_output=1, kernel_size=5, stride=2))
    n.score = crop(n.wide, n.data)
    param = n.to_proto().layer[-1].crop_param
    assert (param.axis, list(param.offset)) == (2, [1])
    assert coord_map_from_to(n.score, n.data)[1:] == (1, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n: crop(n.conv, n.data), "scale mismatch on crop"),
        (lambda n: crop(n.up, n.data), "noninteger offset"),
        (lambda n: crop(L.Convolution(n.data, kernel_size=3, num_output=1), n.data), "negative"),
        (lambda n: coord_map_from_to(n.data, n.aux), "are they connected by spatial layers"),
        (lambda n: coord_map_from_to(L.InnerProduct(n.data), n.aux), "are they connected"),
    ],
)
def test_what_cannot_be_cropped(change, message):
    with pytest.raises(CaffeError, match=message):
        change(coord_net())


def test_what_cannot_be_cropped_is_an_assertion_as_in_pycaffe():
    n = coord_net()
    with pytest.raises(AssertionError, match="scale mismatch"):
        crop(n.conv, n.data)


def test_height_and_width_may_differ():
    n = coord_net()
    lists = L.Convolution(n.data, kernel_size=[3, 5], stride=[1, 2], pad=[0, 10])
    names = L.Convolution(n.data, kernel_h=3, kernel_w=5, stride_w=2, stride_h=1, pad_w=10)
    for top in (lists, names):
        axis, a, b = coord_map_from_to(top, n.data)
        assert (axis, a.tolist(), b.tolist()) == (1, [1, 2], [1, -8])


def test_there_may_be_three_axes():
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[2, 3, 100, 100, 100]))
    n.conv = L.Convolution(n.data, kernel_size=[3] * 3, stride=[1] * 3, pad=[0, 1, 2])
    n.pool = L.Pooling(n.conv, kernel_size=2, stride=2, pad=0)
    n.up = L.Deconvolution(n.pool, kernel_size=4, stride=2, pad=0)
    axis, a, b = coord_map_from_to(n.up, n.data)
    assert (axis, a.tolist(), b.tolist()) == (1, [1, 1, 1], [0, -1, -2])


def test_dilation_widens_a_kernel():
    n = coord_net()
    top = L.Convolution(n.data, kernel_size=3, dilation=4)
    assert coord_map_from_to(top, n.data) == (1, 1, 4)


def test_a_crop_shifts():
    n = coord_net()
    n.crop = L.Crop(n.data, n.conv, axis=2, offset=3)
    assert coord_map_from_to(n.crop, n.data) == (1, 1, 3)


def test_blobs_that_lie_upon_each_other_already_are_cropped_at_0():
    n = coord_net()
    n.same = crop(L.ReLU(n.data), n.data)
    param = n.to_proto().layer[-1].crop_param
    assert (param.axis, list(param.offset)) == (2, [0])


def test_maps_are_undone_by_their_inverses():
    there = (1, 2, -3)
    assert caffe.coord_map.compose(there, caffe.coord_map.inverse(there)) == (1, 1, 0)


def test_pooling_of_everything_has_no_map():
    n = coord_net()
    with pytest.raises(UndefinedMapException, match="without kernel_size"):
        caffe.coord_map.coord_map(L.Pooling(n.data, global_pooling=True).fn)


def test_what_is_cropped_shows_what_it_lies_upon():
    """Down and up by 2, each by the nearest pixel: a crop of it is made of the data's pixels."""
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 1, 10, 10]))
    n.pool = L.Pooling(n.data, kernel_size=2, stride=2, pool="AVE")
    n.up = L.Deconvolution(n.pool, num_output=1, kernel_size=6, stride=2, bias_term=False)
    n.crop = crop(n.up, n.data)
    net = caffe.Net(n.to_proto(), caffe.TEST)
    net.params["up"][0].data[0, 0, 2:4, 2:4] = 1
    coarse = np.random.default_rng(0).standard_normal((1, 1, 5, 5)).astype(np.float32)
    image = coarse.repeat(2, axis=2).repeat(2, axis=3)
    np.testing.assert_array_equal(net.forward(data=image)["crop"], image)


def test_axes_must_agree():
    with pytest.raises(AxisMismatchException, match="begins at axis 1, the other at 2"):
        caffe.coord_map.compose((1, 1, 0), (2, 1, 0))
