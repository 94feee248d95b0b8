"""CudaKernel: a kernel with CUDA C of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from caffe_core.cuda.function import Function
from caffe_core.cuda.source import Source
from caffe_core.kernel import Kernel


class CudaKernel(Kernel):
    """A kernel for CUDA devices that launches functions of its `source`.

    A kernel that does all by ``self.xp`` needs none of this; it derives from `Kernel`.

    Attributes:
        source: The CUDA C.
        device: A GPU, or what stands in for one in tests.
    """

    source: ClassVar[Source]
    device: Any

    def function(self, name: str) -> Function:
        """Return a function of `source`, compiled for this device and the layer's element type.

        It may be asked for in each forward: it is compiled once, and found again by a dictionary.

        Raises:
            DeviceError: There is none of that name, or it does not compile.
        """
        function: Function = self.device.function(self.source, name, self.layer.dtype)
        return function

    def finder(self) -> Callable[[str], Function]:
        """Return what does the same as `function`, for objects that this kernel holds.

        It has no reference to the kernel: one would leave the kernel and its arrays, once they are
        out of use, to the garbage collector.
        """
        device, source, dtype = self.device, self.source, self.layer.dtype
        return lambda name: device.function(source, name, dtype)

    def ints(self, *numbers: int) -> Any:
        """Return a device array of int32, such as a struct of ints; to be made in `prepare`."""
        return self.xp.array(numbers, np.int32)
