"""Alarms of a tensor: what sets them off, and that they are not kept alive."""

from __future__ import annotations

import gc
import weakref

import pytest

from caffe_core.alarm import Alarm
from caffe_core.device import CPU
from caffe_core.tensor import Tensor


def on_host():
    tensor = Tensor(4)
    tensor.overwrite()[...] = 1
    return tensor


def armed(ring):
    alarm = Alarm()
    ring(alarm)
    return alarm


@pytest.mark.parametrize(
    "change",
    [
        lambda tensor, mirror: tensor.clear(),
        lambda tensor, mirror: tensor.own(4),
        lambda tensor, mirror: tensor.resize(5),
        lambda tensor, mirror: tensor.place(4, lambda device: device.zeros(4, tensor.dtype)),
        lambda tensor, mirror: tensor.borrow(4, CPU, CPU.zeros(4, tensor.dtype)),
        lambda tensor, mirror: tensor.read(mirror),
        lambda tensor, mirror: tensor.modify(mirror),
        lambda tensor, mirror: tensor.overwrite(mirror),
    ],
)
def test_one_rings_when_the_current_copy_or_the_memory_is_another(mirror, change):
    tensor = on_host()
    alarm = armed(tensor.ring_if_moved)
    change(tensor, mirror)
    assert not alarm.quiet


@pytest.mark.parametrize("ask", ["read", "modify", "overwrite"])
def test_none_rings_for_what_stays_where_it_is(mirror, ask):
    tensor = on_host()
    alarm = armed(tensor.ring_if_moved)
    getattr(tensor, ask)()
    assert alarm.quiet
    tensor.overwrite(mirror)
    alarm = armed(tensor.ring_if_moved)
    getattr(tensor, ask)(mirror)
    assert alarm.quiet


@pytest.mark.parametrize("ask", ["read", "modify", "overwrite"])
def test_one_rings_when_the_device_hands_over_to_the_host(mirror, ask):
    tensor = on_host()
    tensor.overwrite(mirror)
    alarm = armed(tensor.ring_if_moved)
    getattr(tensor, ask)()
    assert not alarm.quiet


@pytest.mark.parametrize(
    "change",
    [
        lambda tensor: tensor.modify(),
        lambda tensor: tensor.overwrite(),
        lambda tensor: tensor.clear(),
        lambda tensor: tensor.own(4),
        lambda tensor: tensor.expose(tensor.read()),
    ],
)
def test_one_rings_when_the_content_may_have_changed(change):
    tensor = on_host()
    alarm = armed(tensor.ring_if_changed)
    change(tensor)
    assert not alarm.quiet


def test_reading_changes_nothing():
    tensor = on_host()
    alarm = armed(tensor.ring_if_changed)
    tensor.read()
    assert alarm.quiet


def test_one_rings_once_until_it_is_set_again():
    tensor = on_host()
    alarm = armed(tensor.ring_if_changed)
    tensor.modify()
    alarm.quiet = True
    tensor.modify()
    assert alarm.quiet


def test_a_tensor_keeps_no_alarm_alive():
    tensor = on_host()
    alarm = armed(tensor.ring_if_moved)
    tensor.ring_if_moved(alarm)  # twice is once
    seen = weakref.ref(alarm)
    del alarm
    gc.collect()
    assert seen() is None
    assert not tensor._if_moved
