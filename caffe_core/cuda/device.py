"""CudaDevice: one NVIDIA GPU, through CuPy."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from caffe_core import cuda
from caffe_core.cuda.blas import Blas
from caffe_core.cuda.function import LARGEST, Function
from caffe_core.cuda.source import Source
from caffe_core.device import CPU, Device
from caffe_core.errors import DeviceError, OutOfMemoryError

_BLOCKS = 32  # for each multiprocessor: several rounds of them, so that all end at about one time


class CudaDevice(Device):
    """One NVIDIA GPU.

    All work goes to one stream, which is not the default one: so uploads on other streams run at
    the same time, and a pass can be recorded. `active` makes it CuPy's current stream.

    Attributes:
        blas: Matrix products.
    """

    kind = "cuda"
    largest = LARGEST

    def __init__(self, index: int):
        found = cuda.device_count()
        self.xp = cuda.cupy()
        if index >= found:
            raise DeviceError(
                f"cuda:{index} does not exist: {found} CUDA devices were found"
                + (f"; {cuda.why_none()}. " if not found else ". ")
                + "`caffe device_query -gpu all` lists them; without a GPU, choose the CPU."
            )
        self.index = index
        self._modules: dict[tuple[Source, np.dtype[Any]], Any] = {}
        self._functions: dict[tuple[Source, str, np.dtype[Any]], Function] = {}
        self.blas = Blas(self.xp)

    @functools.cached_property
    def _place(self) -> Any:
        return self.xp.cuda.Device(self.index)

    @functools.cached_property
    def stream(self) -> Any:
        """The stream to which all work goes."""
        with self._place:
            return self.xp.cuda.Stream(non_blocking=True)

    @functools.cached_property
    def _sending(self) -> Any:
        """The stream of uploads that go on beside the other work."""
        with self._place:
            return self.xp.cuda.Stream(non_blocking=True)

    @functools.cached_property
    def _most_blocks(self) -> int:
        return _BLOCKS * int(self._place.attributes["MultiProcessorCount"])

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """Let CuPy work on this GPU, in its stream."""
        with self._place, self.stream:
            yield

    def zeros(self, count: int, dtype: np.dtype[Any]) -> Any:
        """Return a flat array of `count` zeros in this GPU's memory.

        Raises:
            OutOfMemoryError: There is too little.
        """
        with self.active(), self._enough_memory(count * dtype.itemsize):
            return self.xp.zeros(count, dtype)

    def scratch(self, size: int) -> Any:
        """Return an array of `size` bytes in this GPU's memory, its content undefined.

        Raises:
            OutOfMemoryError: There is too little.
        """
        with self.active(), self._enough_memory(size):
            return self.xp.empty(size, np.uint8)

    def pinned(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        """Return a host array that the GPU can copy from while the host goes on."""
        count = math.prod(shape)
        with self._place:
            memory = self.xp.cuda.alloc_pinned_memory(max(1, count * dtype.itemsize))
        return np.frombuffer(memory, dtype, count).reshape(shape)

    def host_zeros(self, count: int, dtype: np.dtype[Any]) -> Any:
        """Return a flat pinned array of zeros, or a pageable one if the system has no more."""
        try:
            array = self.pinned((count,), dtype)
        except RuntimeError:
            return CPU.zeros(count, dtype)
        array.fill(0)
        return array

    def clear(self, array: Any) -> None:
        """Write zeros to an array of this device."""
        with self.active():
            array.fill(0)

    def upload(self, host: np.ndarray, target: Any) -> None:
        """Copy a host array into `target`, an array of this device; wait until it is there.

        Somebody may write to the host's array at once, and the copying of pinned memory does not
        wait by itself.
        """
        with self.active():
            target.set(host)
            self.stream.synchronize()

    def download(self, source: Any, host: np.ndarray) -> None:
        """Copy `source`, an array of this device, into a host array; wait until it is there."""
        with self.active():
            source.get(out=host)

    def send(self, hosts: Sequence[np.ndarray], targets: Sequence[Any], after: Any) -> Any:
        """Copy flat pinned arrays into arrays of this device beside all other work.

        Args:
            hosts: What to copy; it must stay as it is until then.
            targets: Where to.
            after: What must have happened before: a `mark`.

        Returns:
            An event that happens when the copies are done.
        """
        with self._place:
            self._sending.wait_event(after)
            for host, target in zip(hosts, targets, strict=True):
                target.data.copy_from_host_async(host.ctypes.data, host.nbytes, self._sending)
            return self._sending.record(self._event())

    def wait_for(self, event: Any) -> None:
        """Let all later work wait for an event."""
        self.stream.wait_event(event)

    def mark(self) -> Any:
        """Return an event that happens when all work asked for so far is done."""
        with self._place:
            return self.stream.record(self._event())

    def _event(self) -> Any:
        return self.xp.cuda.Event(block=True, disable_timing=True)

    def synchronize(self) -> None:
        """Wait until everything asked of this device is done."""
        with self._place:
            self.stream.synchronize()

    def moment(self) -> Any:
        """Return the moment at which everything asked of this device so far is done."""
        with self._place:
            return self.stream.record(self.xp.cuda.Event())

    def milliseconds(self, start: Any, end: Any) -> float:
        """Return the time between two moments, once the later one has come."""
        end.synchronize()
        return float(self.xp.cuda.get_elapsed_time(start, end))

    def function(self, source: Source, name: str, dtype: np.dtype[Any]) -> Function:
        """Return a function in CUDA C, compiled for this GPU where ``Real`` is `dtype`.

        Raises:
            DeviceError: There is none of that name, or it does not compile.
        """
        key = (source, name, dtype)
        if key not in self._functions:
            with self.active():
                launch = self._module(source, dtype).get_function(name)
            self._functions[key] = Function(
                source.signature(name), dtype, launch, self._most_blocks
            )
        return self._functions[key]

    def _module(self, source: Source, dtype: np.dtype[Any]) -> Any:
        if (source, dtype) not in self._modules:
            module = self.xp.RawModule(code=source.rendered(dtype), options=("--std=c++17",))
            try:
                module.compile()
            except ImportError as error:  # of NVRTC
                raise cuda.lacks_library(error) from error
            except Exception as error:
                raise DeviceError(f"{source.name} does not compile on {self}: {error}") from error
            self._modules[source, dtype] = module
        return self._modules[source, dtype]

    @contextlib.contextmanager
    def _enough_memory(self, size: int) -> Iterator[None]:
        try:
            yield
        except self.xp.cuda.memory.OutOfMemoryError as error:
            free, total = self.xp.cuda.runtime.memGetInfo()
            used = self.xp.get_default_memory_pool().used_bytes()
            raise OutOfMemoryError(
                f"{self} has no memory for {_mib(size)} more: of {_mib(total)}, this process uses "
                f"{_mib(used)} and {_mib(free)} are free; use a smaller batch",
                size,
            ) from error


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
