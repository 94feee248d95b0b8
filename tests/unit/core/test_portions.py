from __future__ import annotations

import numpy as np
import pytest

from caffe_core import portions
from caffe_core.blob import Blob, MemoryFormat
from caffe_core.kernel import Workspace

F32 = np.dtype(np.float32)


def cut(shape, images, monkeypatch, *wanted, memory_format=MemoryFormat.CONTIGUOUS):
    blob = Blob(shape)
    blob.format = memory_format
    monkeypatch.setattr(portions, "_BYTES", images * blob.count // shape[0] * 4)
    return portions.Portions(blob, Workspace(), *wanted)


@pytest.mark.parametrize(("images", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (9, [5])])
def test_portions_cover_the_batch_once(monkeypatch, images, sizes):
    found = [part for part, _ in cut((5, 2, 3, 4), images, monkeypatch)]
    assert [part.stop - part.start for part in found] == sizes
    assert [item for part in found for item in range(part.start, part.stop)] == list(range(5))


def test_an_image_larger_than_a_portion_is_one(monkeypatch):
    assert len(list(cut((3, 2, 3, 4), 0, monkeypatch))) == 3


@pytest.mark.parametrize("memory_format", list(MemoryFormat))
def test_arrays_are_in_the_memory_order_of_the_blob(monkeypatch, memory_format):
    wanted = [((2, 2), F32), ((3, 1), np.dtype(bool))]
    found = cut((5, 6, 3, 4), 2, monkeypatch, *wanted, memory_format=memory_format)
    channels_last = memory_format is MemoryFormat.CHANNELS_LAST
    for part, (real, flag) in found:
        size = part.stop - part.start
        assert (real.shape, real.dtype) == ((size, 6, 2, 2), F32)
        assert (flag.shape, flag.dtype) == ((size, 6, 3, 1), bool)
        assert real.strides[1] == (4 if channels_last else 16)
        assert not np.shares_memory(real, flag)
    kept = found.keep((2, 2), F32)
    assert kept.shape == (5, 6, 2, 2)
    assert kept.strides[1] == (4 if channels_last else 16)


def test_an_empty_batch_has_no_portions(monkeypatch):
    assert list(portions.Portions(Blob((0, 2, 3, 4)), Workspace())) == []
