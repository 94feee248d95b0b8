from __future__ import annotations

import numpy as np
import pytest

from caffe_core.cuda.function import Function
from caffe_core.cuda.source import Source
from caffe_core.errors import DeviceError

SOURCE = Source("f.cu", "KERNEL f(int n, Real* y, Real factor, int shift, bool flag) {}")


@pytest.fixture
def launches():
    return []


@pytest.fixture
def function(launches):
    def launch(grid, block, arguments):
        launches.append((grid, block, arguments))

    return Function(SOURCE.functions["f"], np.dtype(np.float32), launch, most_blocks=100)


def grids(launches):
    return [(grid[0], block[0]) for grid, block, _ in launches]


def test_a_call_has_a_thread_for_each(function, launches):
    for n in (1, 256, 257, 1 << 20):
        function(n, None, 1, 1, True)
    assert grids(launches) == [(1, 256), (1, 256), (2, 256), (100, 256)]


def test_warps_and_blocks(function, launches):
    function.warps(9, None, 1, 1, True)
    function.blocks(9, None, 1, 1, True)
    function.blocks(900, None, 1, 1, True, threads=64)
    assert grids(launches) == [(2, 256), (9, 256), (100, 64)]


def test_numbers_become_what_is_declared(function, launches):
    y = np.zeros(3)
    function(3, y, 2, 7.0, 1)
    n, array, *numbers = launches[0][2]
    assert n == 3
    assert array is y
    assert [type(each) for each in (n, *numbers)] == [np.int32, np.float32, np.int32, np.bool_]
    assert numbers == [2.0, 7, True]


def test_none_is_a_null_pointer(function, launches):
    function(3, None, 2, 7, 1)
    null = launches[0][2][1]
    assert (type(null), null) == (np.uintp, 0)


def test_nothing_to_do_is_no_launch(function, launches):
    function(0, None, 1, 1, True)
    assert not launches


def test_indices_are_ints(function):
    with pytest.raises(DeviceError, match="f is to work on 2147483648 numbers; the most are"):
        function(1 << 31, None, 1, 1, True)


def test_a_missing_argument_is_an_error(function):
    with pytest.raises(ValueError, match="zip"):
        function(1, None, 1, 1)
