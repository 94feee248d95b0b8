from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
import traceback
from contextlib import contextmanager

import pytest

from caffe_core.data.prefetch import Prefetcher


class Squares:
    """Opens something that writes squares, and counts what is open."""

    def __init__(self, fail_at=None, delay=0.0):
        self.fail_at, self.delay = fail_at, delay
        self.opened = self.closed = 0
        self.built = []
        self.threads = set()

    @contextmanager
    def __call__(self):
        self.opened += 1
        try:
            yield self.build
        finally:
            self.closed += 1

    def build(self, number, slot):
        time.sleep(self.delay)
        self.threads.add(threading.current_thread())
        if number == self.fail_at:
            raise ValueError(f"batch {number} is bad")
        self.built.append(number)
        slot[0] = number * number


def prefetcher(source, ahead=3):
    return Prefetcher(source, [[None] for _ in range(ahead)])


def take(prefetch, count):
    found = []
    for _ in range(count):
        slot = prefetch.take()
        found.append(slot[0])
        prefetch.give_back(slot)
    return found


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_batches_come_in_order():
    prefetch = prefetcher(Squares())
    assert take(prefetch, 10) == [n * n for n in range(10)]
    assert prefetch.next == 10
    prefetch.close()


def test_nothing_starts_before_it_is_asked_for():
    source = Squares()
    before = threading.active_count()
    prefetch = prefetcher(source)
    assert threading.active_count() == before
    assert source.opened == 0
    prefetch.close()


def test_works_ahead_in_another_thread_as_far_as_there_are_slots():
    source = Squares()
    prefetch = prefetcher(source, ahead=4)
    take(prefetch, 1)
    wait_until(lambda: source.built == [0, 1, 2, 3, 4])
    time.sleep(0.02)
    assert source.built == [0, 1, 2, 3, 4]
    assert threading.current_thread() not in source.threads
    assert len(source.threads) == 1
    prefetch.close()


def test_a_slot_is_not_touched_while_it_is_held():
    source = Squares()
    prefetch = prefetcher(source, ahead=2)
    held = prefetch.take()
    wait_until(lambda: source.built == [0, 1])
    assert take(prefetch, 3) == [1, 4, 9]
    assert held[0] == 0
    prefetch.give_back(held)
    prefetch.close()


@pytest.mark.parametrize("ahead", [1, 2])
def test_seek(ahead):
    prefetch = prefetcher(Squares(), ahead)
    take(prefetch, 2)
    prefetch.seek(20)
    assert take(prefetch, 2) == [400, 441]
    prefetch.close()


def test_close_ends_thread_and_closes_what_is_open():
    source = Squares()
    prefetch = prefetcher(source)
    take(prefetch, 1)
    prefetch.close()
    assert (source.opened, source.closed) == (1, 1)
    assert not any(thread.is_alive() for thread in source.threads)
    prefetch.close()


def test_close_does_not_finish_the_batches_ahead():
    source = Squares(delay=0.05)
    prefetch = prefetcher(source, ahead=50)
    take(prefetch, 1)
    prefetch.close()
    assert len(source.built) < 5


def test_goes_on_after_close():
    source = Squares()
    prefetch = prefetcher(source)
    assert take(prefetch, 2) == [0, 1]
    prefetch.close()
    assert take(prefetch, 2) == [4, 9]
    assert source.opened == 2
    prefetch.close()


def test_being_dropped_ends_the_thread():
    source = Squares()
    prefetch = prefetcher(source)
    take(prefetch, 1)
    del prefetch
    gc.collect()
    wait_until(lambda: source.closed == 1)
    assert not any(thread.is_alive() for thread in source.threads)


def test_error_reaches_the_caller_with_the_traceback_of_the_thread():
    source = Squares(fail_at=2)
    prefetch = prefetcher(source)
    assert take(prefetch, 2) == [0, 1]
    with pytest.raises(ValueError, match="batch 2 is bad") as caught:
        prefetch.take()
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "build" in frames
    assert source.closed == 1


def test_tries_a_bad_batch_again():
    source = Squares(fail_at=1)
    prefetch = prefetcher(source)
    take(prefetch, 1)
    for _ in range(2):
        with pytest.raises(ValueError, match="batch 1"):
            prefetch.take()
    source.fail_at = None
    assert take(prefetch, 2) == [1, 4]
    prefetch.close()


def test_error_while_opening():
    @contextmanager
    def broken():
        raise OSError("no disk")
        yield

    with pytest.raises(OSError, match="no disk"):
        Prefetcher(broken, [[None]]).take()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_has_a_thread_of_its_own():
    prefetch = prefetcher(Squares())
    assert take(prefetch, 2) == [0, 1]
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        found = take(prefetch, 2)
        prefetch.close()
        os.write(writable, repr(found).encode())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert os.read(readable, 100) == b"[4, 9]"
    os.close(readable)
    os.close(writable)
    assert take(prefetch, 2) == [4, 9]
    prefetch.close()


def test_a_process_ends_with_a_thread_running():
    code = (
        "import contextlib\n"
        "from caffe_core.data.prefetch import Prefetcher\n"
        "def build(number, slot): slot[0] = number\n"
        "def opener(): return contextlib.nullcontext(build)\n"
        "kept = Prefetcher(opener, [[None], [None]])\n"
        "print(kept.take())\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[0]\n", "")
