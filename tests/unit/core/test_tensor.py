from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe_core.blob import Blob
from caffe_core.device import CPU, Device
from caffe_core.tensor import Head, Tensor, moves


@pytest.fixture(autouse=True)
def no_moves_yet():
    moves.to_device = moves.to_host = 0


def test_memory_is_allocated_on_first_use_and_starts_as_zeros(mirror):
    tensor = Tensor(5)
    assert tensor.head is Head.UNINITIALIZED
    assert (tensor.read() == 0).all()
    assert tensor.head is Head.HOST
    assert moves.total == 0


def test_a_device_may_be_the_first_to_use_it(mirror):
    tensor = Tensor(5)
    assert (tensor.read(mirror) == 0).all()
    assert tensor.head is Head.DEVICE
    assert moves.total == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_of_the_host_is_aligned_to_cache_lines(dtype):
    array = Tensor(7, dtype).read()
    assert array.ctypes.data % 64 == 0
    assert array.dtype == dtype


def test_reading_moves_only_what_is_stale(mirror):
    tensor = Tensor(3)
    tensor.modify()[...] = 7
    assert (tensor.read(mirror) == 7).all()
    assert tensor.head is Head.BOTH
    tensor.read(mirror)
    tensor.read()
    assert (moves.to_device, moves.to_host) == (1, 0)


def test_modifying_makes_the_other_side_stale(mirror):
    tensor = Tensor(3)
    tensor.modify()[...] = 7
    tensor.modify(mirror)[...] += 1
    assert tensor.head is Head.DEVICE
    assert (tensor.read() == 8).all()
    tensor.modify()[...] += 1
    assert tensor.head is Head.HOST
    assert (tensor.read(mirror) == 9).all()
    assert (moves.to_device, moves.to_host) == (2, 1)


def test_overwriting_moves_nothing(mirror):
    tensor = Tensor(3)
    tensor.overwrite()[...] = 1
    tensor.overwrite(mirror)[...] = 2
    assert moves.total == 0
    tensor.overwrite()[...] = 3
    assert moves.total == 0
    assert (tensor.read(mirror) == 3).all()


def test_a_second_device_gets_the_content_of_the_first(mirror):
    other = type(mirror)()
    tensor = Tensor(3)
    tensor.overwrite(mirror)[...] = 4
    assert (tensor.read(other) == 4).all()
    tensor.modify(other)[...] = 5
    assert (tensor.read(mirror) == 5).all()
    assert (moves.to_device, moves.to_host) == (2, 2)


@pytest.mark.parametrize("intention", ["modify", "overwrite"])
def test_the_version_grows_with_every_change_and_not_with_reading(mirror, intention):
    tensor = Tensor(3)
    for device in (CPU, mirror):
        before = tensor.version
        getattr(tensor, intention)(device)
        assert tensor.version > before
    before = tensor.version
    tensor.read()
    tensor.read(mirror)
    assert tensor.version == before


def test_arrays_stay_the_same_objects_while_the_size_fits(mirror):
    tensor = Tensor(8)
    host, there = tensor.modify(), tensor.modify(mirror)
    tensor.resize(3)
    assert tensor.capacity == 8
    assert tensor.read() is host
    assert tensor.read(mirror) is there


class Choosy(Device):
    """A device that brings memory of its own for the host."""

    def host_zeros(self, count, dtype):
        self.made = np.zeros(count, dtype)
        return self.made


def test_host_memory_is_what_suits_the_device_that_is_expected():
    device, tensor = Choosy(), Tensor(3)
    tensor.expect(device)
    assert tensor.modify() is device.made
    tensor.resize(5)
    assert tensor.read() is device.made
    assert device.made.shape == (5,)


def test_host_memory_stays_where_a_user_may_have_an_array_of_it():
    device, tensor = Choosy(), Tensor(3)
    held = tensor.modify()
    tensor.expect(device)
    assert tensor.modify() is held


def test_a_blob_expects_the_device_it_is_seen_on():
    device, blob = Choosy(), Blob((2, 3))
    face = blob.on(device)
    assert np.shares_memory(blob.data, device.made)
    assert np.shares_memory(blob.diff, device.made)
    assert face.shape == (2, 3)


def test_growing_gives_zeros():
    tensor = Tensor(2)
    tensor.modify()[...] = 1
    tensor.resize(4)
    assert tensor.read().tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("written_on", ["host", "mirror"])
def test_place_keeps_the_content_wherever_it_is(mirror, written_on):
    homes = {device: device.zeros(10, np.dtype(np.float32)) for device in (CPU, mirror)}
    tensor = Tensor(4)
    tensor.modify(CPU if written_on == "host" else mirror)[...] = 6
    tensor.place(4, lambda device: homes[device][2:6])
    assert (tensor.read() == 6).all()
    assert (tensor.read(mirror) == 6).all()
    assert homes[CPU].tolist() == homes[mirror].tolist() == [0, 0, 6, 6, 6, 6, 0, 0, 0, 0]


def test_place_takes_as_many_elements_as_asked_for():
    tensor, home = Tensor(4), np.zeros(3, np.float32)
    tensor.modify()[...] = [1, 2, 3, 4]
    tensor.place(3, lambda device: home)
    assert tensor.capacity == 3
    assert home.tolist() == [1, 2, 3]


def test_place_of_an_unused_tensor_leaves_it_unused(mirror):
    tensor = Tensor(4)
    tensor.place(4, lambda device: device.zeros(4, np.dtype(np.float32)))
    assert tensor.head is Head.UNINITIALIZED


def test_growing_after_place_leaves_the_place():
    home = np.zeros(4, np.float32)
    tensor = Tensor(4)
    tensor.place(4, lambda device: home)
    tensor.resize(5)
    tensor.modify()[...] = 1
    assert not home.any()


class Second(Device):
    """Another device in the host's memory."""


STEPS = st.lists(
    st.tuples(st.sampled_from(["read", "modify", "overwrite"]), st.sampled_from([CPU, Second()])),
    max_size=12,
)


@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_any_sequence_of_accesses_is_coherent_and_moves_as_little_as_it_can(steps):
    tensor, content, current, moved = Tensor(3), np.zeros(3), set(), moves.total
    for number, (intention, device) in enumerate(steps, start=1):
        moved += intention != "overwrite" and bool(current) and device not in current
        current = current | {device} if intention == "read" else {device}
        array = getattr(tensor, intention)(device)
        if intention == "overwrite":
            array[...] = content = np.full(3, float(number))
        elif intention == "modify":
            array += number
            content = content + number
        assert array.tolist() == content.tolist()
        assert moves.total == moved


def test_clear_writes_zeros_only_when_they_are_asked_for():
    tensor = Tensor(3)
    host = tensor.modify()
    host[...] = 5
    tensor.clear()
    assert tensor.is_clear
    assert (host == 5).all()
    assert (tensor.read() == 0).all()
    assert tensor.read() is host
    assert not tensor.is_clear


def test_what_is_clear_may_be_overwritten_without_zeros():
    tensor = Tensor(3)
    host = tensor.modify()
    host[...] = 5
    tensor.clear()
    assert (tensor.overwrite() == 5).all()
    assert not tensor.is_clear


def test_clear_on_a_device(mirror):
    tensor = Tensor(3)
    tensor.modify(mirror)[...] = 5
    before = moves.total
    tensor.clear()
    assert (tensor.read(mirror) == 0).all()
    assert moves.total == before
    assert (tensor.read() == 0).all()
