from __future__ import annotations

import numpy as np
import pytest

from caffe_core.arena import Arena, Group
from caffe_core.blob import Blob
from caffe_core.graph import Parameter
from caffe_core.tensor import moves

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


def parameters(*specs, dtype=F32):
    """Parameters from ``(shape, lr_mult, decay_mult)``, blob i filled with i + 1."""
    made = [
        Parameter(f"p{index}", Blob(shape, dtype), lr, decay)
        for index, (shape, lr, decay) in enumerate(specs)
    ]
    for index, each in enumerate(made):
        each.blob.data[...] = index + 1
        each.blob.diff[...] = -index - 1
    return made


def test_blobs_move_in_with_their_values_and_share_one_array():
    made = parameters(((2, 3), 1, 1), ((5,), 1, 1))
    arena = Arena(made, F32)
    for index, each in enumerate(made):
        assert (each.blob.data == index + 1).all()
        assert (each.blob.diff == -index - 1).all()
        assert np.shares_memory(each.blob.data, arena.data())
        assert np.shares_memory(each.blob.diff, arena.diff())
    arena.data()[...] = 7
    assert all((each.blob.data == 7).all() for each in made)


@pytest.mark.parametrize(("dtype", "step"), [(F32, 16), (F64, 8)])
def test_each_blob_starts_at_a_cache_line_and_the_gaps_are_zero(dtype, step):
    made = parameters(((3,), 1, 1), ((step + 1,), 1, 1), ((2,), 1, 1), dtype=dtype)
    arena = Arena(made, dtype)
    assert arena.size == 4 * step
    assert all(each.blob.data.ctypes.data % 64 == 0 for each in made)
    filled = sum(each.blob.count for each in made)
    assert np.count_nonzero(arena.data()) == np.count_nonzero(arena.diff()) == filled


def test_blobs_with_equal_factors_are_neighbours():
    made = parameters(
        ((3,), 1, 1), ((4,), 2, 0), ((5,), 1, 1), ((6,), 2, 0), ((7,), 0, 1), ((8,), 1, 0)
    )
    arena = Arena(made, F32)
    assert arena.groups == [
        Group(0, 32, 2, 0), Group(32, 64, 1, 1), Group(64, 80, 1, 0), Group(80, 96, 0, 1),
    ]  # fmt: skip
    second, fourth = (arena.part(arena.data(), made[index]) for index in (1, 3))
    assert np.shares_memory(second, arena.data()[0:16])
    assert np.shares_memory(fourth, arena.data()[16:32])


def test_a_part_has_the_shape_of_its_parameter():
    made = parameters(((2, 3), 1, 1), ((5,), 1, 1))
    arena = Arena(made, F32)
    history = arena.zeros()
    part = arena.part(history, made[0])
    part[...] = 4
    assert part.shape == (2, 3)
    assert np.count_nonzero(history) == 6


def test_blobs_that_were_larger_once_do_not_reach_into_their_neighbours():
    made = parameters(((40,), 1, 1), ((5,), 1, 1))
    made[0].blob.reshape(2, 3)
    arena = Arena(made, F32)
    made[0].blob.data[...] = 8
    assert (made[1].blob.data == 2).all()
    assert (arena.part(arena.data(), made[0]) == 8).all()


def test_a_cleared_gradient_is_zero_in_the_arena_too():
    made = parameters(((2, 3), 1, 1), ((5,), 1, 1))
    arena = Arena(made, F32)
    arena.diff()[...] = 7
    made[0].blob.diff_tensor.clear()
    assert (arena.part(arena.diff(), made[0]) == 0).all()
    assert (made[1].blob.diff == 7).all()


def test_an_arena_may_be_empty():
    arena = Arena([], F32)
    assert (arena.size, arena.groups, len(arena.data())) == (0, [], 0)


def test_one_array_holds_all_on_a_device_too(mirror):
    made = parameters(((2, 3), 1, 1), ((5,), 1, 1))
    arena = Arena(made, F32)
    arena.data(mirror)[...] = 6
    assert all((each.blob.data == 6).all() for each in made)
    arena.diff(mirror)[...] = 0
    moved = moves.total
    assert all((each.blob.on(mirror).diff == 0).all() for each in made)
    assert moves.total == moved
