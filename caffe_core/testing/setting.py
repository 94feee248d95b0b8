"""Setting: one layer type on one kernel, one case, one memory format and one element type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from caffe_core.blob import CONTIGUOUS, MemoryFormat
from caffe_core.device import CPU, Device
from caffe_core.kernel import Kernel
from caffe_core.layer import Layer
from caffe_core.testing.case import Case

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)


@dataclass(frozen=True)
class Setting:
    """What a bench is set up for.

    Attributes:
        type_name: The layer's type in prototxt.
        layer: The layer class.
        kernel: The kernel class.
        case: Parameters and bottoms.
        number: Which of the layer's cases it is.
        format: Memory format of the bottoms and tops.
        dtype: Element type of every blob.
        device: Where the kernel runs.
        plain: The kernel to agree with, if `kernel` is not the plain one itself.
    """

    type_name: str
    layer: type[Layer]
    kernel: type[Kernel]
    case: Case
    number: int = 0
    format: MemoryFormat = CONTIGUOUS
    dtype: np.dtype[Any] = FLOAT32
    device: Device = field(default=CPU)
    plain: type[Kernel] | None = None

    @property
    def id(self) -> str:
        """Short name: ``ReLUKernel-case1-channels_last-float32``."""
        where = "" if self.device is CPU else f"-{self.device.kind}"
        kernel = f"{self.kernel.__name__}{where}"
        return f"{kernel}-case{self.number}-{self.format.value}-{self.dtype}"

    def __str__(self) -> str:
        shapes = ", ".join(str(each.shape) for each in self.case.inputs()) or "none"
        return (
            f"{self.type_name}, {self.kernel.__module__}.{self.kernel.__name__} on {self.device}, "
            f"case {self.number} ({' '.join(self.case.params.split()) or 'no parameters'}; "
            f"bottoms {shapes}; {self.case.phase}), {self.format.value}, {self.dtype}"
        )
