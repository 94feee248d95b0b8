"""Batches on their way to a device."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from caffe_core.blob import CHANNELS_LAST, Blob
from caffe_core.cuda.upload import UploadingKernel
from caffe_core.data.layer import PrefetchingLayer
from caffe_core.proto import caffe_pb2
from caffe_core.tensor import moves
from caffe_core.testing.emulation import EmulatedDevice

SHAPE = (2, 3, 4, 5)


class Counter(PrefetchingLayer):
    """Batch n holds n in every element, and its number in the second top."""

    shapes = (SHAPE, (1,))
    ahead = 2

    def opener(self):
        return count


@contextmanager
def count():
    def build(number, slot):
        slot[0][...] = number + np.arange(3).reshape(3, 1, 1) / 10
        slot[1][...] = number

    yield build


class Recorder(EmulatedDevice):
    """Notes what is asked of it."""

    def __init__(self):
        super().__init__()
        self.log = []

    def zeros(self, count, dtype):
        self.log.append(("zeros", count))
        return super().zeros(count, dtype)

    def mark(self):
        event = Event()
        self.log.append(("mark", event))
        return event

    def send(self, hosts, targets, after):
        self.log.append(("send", after))
        for host, target in zip(hosts, targets, strict=True):
            self.upload(host, target)
        return Event()

    def wait_for(self, event):
        self.log.append(("wait", event))


class Event:
    """Notes whether it was waited for."""

    events = []

    def __init__(self):
        self.waited = False
        Event.events.append(self)

    def synchronize(self):
        self.waited = True


@pytest.fixture
def recorder(emulated):
    device = Recorder()
    with device.active():
        yield device


@pytest.fixture
def data(recorder):
    """A kernel with its tops."""
    layer = Counter(caffe_pb2.LayerParameter(name="data", type="Counter"))
    tops = [Blob(), Blob()]
    layer.reshape([], tops)
    kernel = UploadingKernel(layer, recorder)
    kernel.prepare([], tops)
    yield kernel, tops
    layer.close()


def run(kernel, tops):
    kernel.forward([], [top.on(kernel.device) for top in tops])
    return [float(top.data.flat[0]) for top in tops]


@pytest.mark.parametrize("memory_format", [None, CHANNELS_LAST])
def test_batches_come_in_order(data, memory_format):
    kernel, tops = data
    if memory_format:
        tops[0].format = memory_format
    assert [run(kernel, tops) for _ in range(5)] == [[n, n] for n in range(5)]
    np.testing.assert_allclose(tops[0].data[1, :, 2, 3], [4, 4.1, 4.2], rtol=1e-6)


def test_nothing_passes_through_the_tops_on_the_host(data):
    kernel, tops = data
    before = moves.to_device, moves.to_host
    for _ in range(3):
        kernel.forward([], [top.on(kernel.device) for top in tops])
    assert (moves.to_device - before[0], moves.to_host - before[1]) == (6, 0)
    assert not tops[0].data_tensor.is_on(Blob().device)


def test_a_batch_is_sent_after_the_one_before_in_its_place_was_taken(data, recorder):
    kernel, tops = data
    for _ in range(6):
        run(kernel, tops)
    kernel.layer.close()
    marks = [event for what, event in recorder.log if what == "mark"]
    sent = [event for what, event in recorder.log if what == "send"]
    assert len(sent) >= 6
    assert sent == marks[: len(sent)], "two of the memory that is new, then one a batch"
    assert sum(what == "wait" for what, _ in recorder.log) == 6


def test_memory_is_ready_before_the_first_batch_is_sent_there(data, recorder):
    kernel, tops = data
    recorder.log.clear()
    run(kernel, tops)
    slot = ["zeros", "zeros", "mark"]
    assert [what for what, _ in recorder.log[:6]] == [*slot, *slot]


def test_memory_is_not_dropped_while_batches_are_on_their_way(data, recorder, monkeypatch):
    monkeypatch.setattr(Event, "events", [])
    kernel, tops = data
    run(kernel, tops)
    kernel.layer.close()
    sent = len([what for what, _ in recorder.log if what == "send"])
    assert sum(event.waited for event in Event.events) == sent


def test_a_resumed_layer_goes_on_with_the_next_batch(data):
    kernel, tops = data
    run(kernel, tops)
    state = kernel.layer.state()
    run(kernel, tops)
    kernel.layer.restore(state)
    assert run(kernel, tops) == [1, 1]


def test_shapes_that_change_are_left_to_the_host(data):
    kernel, tops = data
    kernel.layer.facts = replace(kernel.layer.facts, dynamic=True)
    assert UploadingKernel.refuses(kernel.layer, [], tops) == "the shapes of its tops may change"
