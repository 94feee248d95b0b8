"""As much of CuPy as `CudaDevice` asks for, on the CPU, noting on which stream things happen."""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np

FREE, TOTAL, USED = 3 << 20, 16 << 20, 12 << 20


class OutOfMemoryError(Exception):
    pass


class DeviceArray(np.ndarray):
    """An array whose address is asked for as in CuPy."""

    @property
    def data(self):
        return SimpleNamespace(ptr=self.ctypes.data, copy_from_host_async=self._copy)

    def _copy(self, address, size, stream):
        stream.log.append("copy")
        ctypes.memmove(self.ctypes.data, address, size)

    def set(self, host):
        self.view(np.ndarray)[...] = host
        Stream.current.log.append("set")


class Stream:
    current = None

    def __init__(self, non_blocking=False):
        assert non_blocking, "work on a blocking stream waits for the default one"
        self.log = []

    def __enter__(self):
        self._before, Stream.current = Stream.current, self
        return self

    def __exit__(self, *exception):
        Stream.current = self._before

    def wait_event(self, event):
        self.log.append(("wait", event))

    def record(self, event):
        self.log.append(("record", event))
        event.happen()
        return event

    def synchronize(self):
        self.log.append("synchronize")


class Event:
    """Happens, as it is waited for, a millisecond after the one before."""

    now = 0.0

    def __init__(self, block=False, disable_timing=False):
        self.timed, self.time = not disable_timing, None

    def synchronize(self):
        assert self.time is not None, "it was never recorded"

    def happen(self):
        Event.now += 1
        self.time = Event.now


class RawModule:
    made = []

    def __init__(self, code, options):
        self.code, self.options = code, options
        RawModule.made.append(self)

    def compile(self):
        if "broken" in self.code:
            raise RuntimeError("broken.cu(1): error")

    def get_function(self, name):
        return lambda grid, block, arguments: self.launched(name, grid, block, arguments)

    def launched(self, *launch):
        Stream.current.log.append(launch)


class Cublas:
    """Products as cuBLAS makes them: in columns, from addresses."""

    def __init__(self):
        self.modes = []

    def setMathMode(self, handle, mode):
        self.modes.append(mode)

    def sgemm(self, *arguments):
        self._multiply_one(np.float32, *arguments)

    def dgemm(self, *arguments):
        self._multiply_one(np.float64, *arguments)

    def sgemmStridedBatched(self, *arguments):
        self._multiply(np.float32, *arguments)

    def dgemmStridedBatched(self, *arguments):
        self._multiply(np.float64, *arguments)

    def _multiply_one(self, kind, *arguments):
        *start, alpha, a, lda, b, ldb, beta, c, ldc = arguments
        self._multiply(kind, *start, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1)

    def _multiply(
        self, kind, handle, flip_a, flip_b, m, n, k, alpha, a, lda, step_a, b, ldb, step_b, beta, c,
        ldc, step_c, batch,
    ):  # fmt: skip
        size = np.dtype(kind).itemsize
        alpha, beta = (_columns(kind, at, 1, 1, 1)[0, 0] for at in (alpha, beta))
        for index in range(batch):
            left = _columns(kind, a + index * step_a * size, *((k, m) if flip_a else (m, k)), lda)
            right = _columns(kind, b + index * step_b * size, *((n, k) if flip_b else (k, n)), ldb)
            out = _columns(kind, c + index * step_c * size, m, n, ldc)
            product = (left.T if flip_a else left) @ (right.T if flip_b else right)
            out[...] = alpha * product + (beta * out if beta else 0)


def _columns(kind, address, rows, columns, lead):
    """A matrix in memory, column after column, `lead` elements from one to the next."""
    assert lead >= max(1, rows)
    count = (columns - 1) * lead + rows
    flat = np.ctypeslib.as_array((np.ctypeslib.as_ctypes_type(kind) * count).from_address(address))
    step = flat.itemsize
    return np.lib.stride_tricks.as_strided(flat, (rows, columns), (step, lead * step))


def make(devices=2):
    """Return a fake CuPy that sees so many GPUs."""

    @contextmanager
    def place():
        yield

    class Device:
        attributes = {"MultiProcessorCount": 4}

        def __init__(self, index):
            self._place = place

        def __enter__(self):
            return self

        def __exit__(self, *exception):
            pass

    def zeros(count, dtype):
        if count * dtype.itemsize > FREE:
            raise OutOfMemoryError
        assert Stream.current is not None, "memory belongs to the stream on which it was made"
        return np.zeros(count, dtype).view(DeviceArray)

    return SimpleNamespace(
        zeros=zeros,
        empty=lambda count, dtype: zeros(count, np.dtype(dtype)),
        array=lambda numbers, dtype: np.array(numbers, dtype).view(DeviceArray),
        RawModule=RawModule,
        get_default_memory_pool=lambda: SimpleNamespace(used_bytes=lambda: USED),
        cuda=SimpleNamespace(
            Device=Device,
            Stream=Stream,
            Event=Event,
            get_elapsed_time=lambda start, end: end.time - start.time,
            alloc_pinned_memory=lambda size: bytearray(-(-size // 512) * 512),
            cublas=Cublas(),
            device=SimpleNamespace(get_cublas_handle=lambda: 0),
            memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
            runtime=SimpleNamespace(
                getDeviceCount=lambda: devices, memGetInfo=lambda: (FREE, TOTAL)
            ),
        ),
    )
