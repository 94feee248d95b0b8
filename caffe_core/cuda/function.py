"""Function: one function of a `Source`, compiled for one device and element type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from caffe_core.cuda.source import Signature
from caffe_core.errors import DeviceError

THREADS = 256  # in a block: fills any GPU of today, and leaves each thread enough registers
WARP = 32
LARGEST = (1 << 31) - (1 << 22)  # indices are int, and a loop's step must not overflow them

NULL = np.uintp(0)  # CuPy 13 takes None for an argument that is not there, and crashes

Launch = Callable[[tuple[int], tuple[int], tuple[Any, ...]], None]


class Function:
    """Launches a function in CUDA C.

    A call gives each of ``n`` numbers a thread (`FOR_EACH` in the code); `warps` and `blocks` give
    each a warp (`FOR_EACH_WARP`) or a block (`FOR_EACH_BLOCK`). The arguments after ``n`` are
    arrays of the device without gaps, None for a null pointer, and numbers, which are converted to
    what is declared.

    Args:
        signature: What the function takes.
        real: The element type for which it was compiled.
        launch: Starts it: ``launch(grid, block, arguments)``.
        most_blocks: How many blocks keep the device busy; more numbers go round in a loop.
    """

    def __init__(self, signature: Signature, real: np.dtype[Any], launch: Launch, most_blocks: int):
        self.signature = signature
        self._launch, self._most_blocks = launch, most_blocks
        self._convert = [
            None if each.pointer else each.dtype(real).type for each in signature.parameters
        ]

    def __call__(self, n: int, *arguments: Any) -> None:
        """Run with a thread for each of `n`."""
        self._run(n, -(-n // THREADS), THREADS, arguments)

    def warps(self, n: int, *arguments: Any) -> None:
        """Run with a warp for each of `n`."""
        self._run(n, -(-n * WARP // THREADS), THREADS, arguments)

    def blocks(self, n: int, *arguments: Any, threads: int = THREADS) -> None:
        """Run with a block of `threads`, a multiple of 32, for each of `n`."""
        self._run(n, n, threads, arguments)

    def _run(self, n: int, blocks: int, threads: int, arguments: tuple[Any, ...]) -> None:
        if n == 0:
            return
        if n > LARGEST:
            raise DeviceError(
                f"{self.signature.name} is to work on {n} numbers; the most are {LARGEST}. "
                "Use a smaller batch"
            )
        converted = tuple(
            convert(value) if convert else NULL if value is None else value
            for value, convert in zip((n, *arguments), self._convert, strict=True)
        )
        self._launch((min(blocks, self._most_blocks),), (threads,), converted)
