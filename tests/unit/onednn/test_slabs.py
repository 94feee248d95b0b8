from __future__ import annotations

import gc
import itertools
import weakref

import numpy as np
from caffe_engine_onednn.slabs import Slabs


def overlap(arrays):
    ends = sorted((each.ctypes.data, each.ctypes.data + each.nbytes) for each in arrays)
    return any(end > start for (_, end), (start, _) in itertools.pairwise(ends))


def test_arrays_are_zero_aligned_and_apart():
    slabs = Slabs()
    arrays = [slabs.zeros(size) for size in (1, 64, 0, 65, 3 << 20, 100, 5 << 20, 7)]
    assert [len(each) for each in arrays] == [1, 64, 0, 65, 3 << 20, 100, 5 << 20, 7]
    assert not any(each.ctypes.data % 64 for each in arrays if len(each))
    assert not overlap([each for each in arrays if len(each)])
    for each in arrays:
        assert not each.any()
        each.fill(255)


def test_small_arrays_lie_side_by_side_and_large_ones_have_memory_of_their_own():
    slabs = Slabs()
    first, large, second = slabs.zeros(100), slabs.zeros(8 << 20), slabs.zeros(100)
    assert second.ctypes.data - first.ctypes.data == 128
    assert abs(large.ctypes.data - first.ctypes.data) > 1 << 20


def test_a_slab_is_freed_with_its_last_array():
    slabs = Slabs()
    arrays = [slabs.zeros(3 << 20) for _ in range(6)]  # one more than a slab holds
    base = arrays[0]
    while isinstance(base.base, np.ndarray):
        base = base.base
    slab = weakref.ref(base)
    del base
    kept = arrays[1]
    del arrays
    gc.collect()
    assert slab() is not None
    del kept
    gc.collect()
    assert slab() is None
