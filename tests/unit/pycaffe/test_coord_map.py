# ruff: noqa: C408 (scripts for NetSpec are written so)
from __future__ import annotations

import caffe
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


def test_kernels_of_two_sizes_have_no_map():
    n = coord_net()
    with pytest.raises(UndefinedMapException, match="for all axes"):
        caffe.coord_map.coord_map(L.Convolution(n.data, kernel_h=3, kernel_w=5).fn)


def test_axes_must_agree():
    with pytest.raises(AxisMismatchException, match="begins at axis 1, the other at 2"):
        caffe.coord_map.compose((1, 1, 0), (2, 1, 0))
