from __future__ import annotations

import numpy as np

from caffe_core.kernel import Workspace

F32 = np.dtype(np.float32)


def test_scratch_has_the_shape_and_type_asked_for():
    array = Workspace().array((2, 3), np.float64)
    assert (array.shape, array.dtype) == ((2, 3), np.float64)
    assert array.flags.c_contiguous


def test_the_same_request_gives_the_same_array():
    workspace = Workspace()
    assert workspace.array((2, 3), F32) is workspace.array((2, 3), F32)
    like = np.zeros((2, 3), np.float32)
    assert workspace.like(like) is workspace.like(like)


def test_all_requests_overlap():
    workspace = Workspace()
    workspace.reserve(1000)
    first, second = workspace.array((4,), F32), workspace.array((2, 3), np.float64)
    assert np.shares_memory(first, second)


def test_arrays_of_one_request_lie_side_by_side():
    workspace, wanted = Workspace(), (((3,), F32), ((0, 2), F32), ((2, 3), np.dtype(bool)))
    first, empty, flags = workspace.arrays(*wanted)
    assert (first.shape, empty.shape, flags.shape) == ((3,), (0, 2), (2, 3))
    assert (first.dtype, flags.dtype) == (F32, bool)
    assert not np.shares_memory(first, flags)
    assert flags.ctypes.data % 64 == 0


def test_arrays_are_the_same_until_the_workspace_grows():
    workspace, wanted = Workspace(), (((3,), F32), ((5,), F32))
    first = workspace.arrays(*wanted)
    assert workspace.arrays(*wanted) is first
    workspace.reserve(10_000)
    assert workspace.arrays(*wanted) is not first


def test_like_keeps_the_order_of_memory():
    workspace, stored = Workspace(), np.zeros((2, 4, 5, 3), np.float32)
    channels_last = stored.transpose(0, 3, 1, 2)
    scratch = workspace.like(channels_last)
    assert (scratch.shape, scratch.strides) == (channels_last.shape, channels_last.strides)
    mask = workspace.like(channels_last, bool)
    assert (mask.shape, mask.dtype) == (channels_last.shape, bool)
    assert [stride * 4 for stride in mask.strides] == list(channels_last.strides)


def test_nothing_is_allocated_up_to_what_is_reserved():
    workspace = Workspace()
    workspace.reserve(4 * 100)
    first = workspace.array((100,), F32)
    assert np.shares_memory(first, workspace.array((10, 10), F32))
    workspace.reserve(100)
    assert workspace.array((100,), F32) is first


def test_growing_replaces_earlier_arrays():
    workspace = Workspace()
    small = workspace.array((4,), F32)
    large = workspace.array((400,), F32)
    assert not np.shares_memory(small, large)
    assert np.shares_memory(workspace.array((4,), F32), large)


def test_a_device_has_scratch_of_its_own(mirror):
    array = Workspace(mirror).array((2, 2), F32)
    assert type(array) is type(mirror.zeros(1, F32))
