"""What is measured beside nets: loading, data, start-up; and what a process says of itself."""

from __future__ import annotations

import hashlib
import os
import sys
from threading import Thread
from time import sleep

import numpy as np
import pytest

from benchmarks import data_path, delay, loading, machine, memory, startup

linux = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")


def test_loading_is_compared_with_protobuf():
    found = loading.measure(rounds=3, net="lenet")
    assert found.rounds == 3
    assert found.ours > 0
    assert found.theirs > 0


def test_images_come_from_the_database():
    rates = data_path.measure(seconds=0.05, images=10)
    assert "LMDB, bytes" in rates
    assert all(rate > 0 for rate in rates.values())


def test_starts_are_timed(monkeypatch):
    monkeypatch.setattr(startup, "_MODULES", ("numpy", "no_such_module"))
    found = startup.measure(rounds=1)
    assert found.keys() == {startup.PYTHON, "caffe --help", "caffe plugins", "import numpy"}
    assert all(0 < seconds < 60 for seconds in found.values())


@linux
def test_waiting_is_the_time_that_others_take():
    stop = []
    allowed = os.sched_getaffinity(0)
    threads = [Thread(target=_work, args=(stop,)) for _ in range(3)]
    before = delay.waited()
    os.sched_setaffinity(0, {min(allowed)})
    try:
        for thread in threads:  # all on one processor
            thread.start()
    finally:
        os.sched_setaffinity(0, allowed)
    sleep(0.2)
    found = delay.waited() - before
    stop.append(True)
    for thread in threads:
        thread.join()
    assert found > 0.1


def _work(stop):
    """Keep a processor busy without holding the interpreter's lock."""
    while not stop:
        hashlib.sha256(bytes(1 << 20))


@linux
def test_the_peak_of_memory_is_that_since_it_was_forgotten():
    memory.forget_peak()
    before = memory.peak()
    block = np.ones(1 << 24)
    after = memory.peak()
    assert 100 < after - before < 200
    del block
    assert memory.peak() == pytest.approx(after, abs=1)


def test_the_machine_is_described():
    found = machine.description()
    assert found["processor"]
    assert found["versions"]["numpy"] == np.__version__
    assert str(found["cores"]) in machine.in_a_line(found)
