"""CudnnKernel: what the kernels of this engine have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from caffe_core.blob import ANY_FORMAT, CHANNELS_LAST, CONTIGUOUS, Blob, MemoryFormat
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.device import Device
from caffe_core.kernel import Workspace
from caffe_core.layer import Layer
from caffe_engine_cudnn.graph import Computation
from caffe_engine_cudnn.library import CudnnError, Library, library_of
from caffe_engine_cudnn.plan import Plan, plan_for

_BYTE = np.dtype(np.uint8)


class CudnnKernel(CudaKernel):
    """Runs plans of cuDNN, which are shared by all kernels that compute the same."""

    formats = ANY_FORMAT

    def __init__(self, layer: Layer, device: Device, workspace: Workspace | None = None):
        super().__init__(layer, device, workspace)
        self.library = library_of(device)
        self.prefers = preferred(self.library)

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Return why cuDNN cannot run `layer`."""
        if layer.dtype != np.float32:
            return f"cuDNN computes in float32 here, the net in {layer.dtype}"
        try:
            library = library_of(bottom[0].device)
            if all(blob.count for blob in (*bottom, *top)):
                for computation in cls.computations(layer, bottom, top, preferred(library)):
                    plan_for(library, computation)
        except CudnnError as error:
            return str(error)
        return None

    @classmethod
    def computations(
        cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob], memory_format: MemoryFormat
    ) -> Iterable[Computation]:
        """Return what cuDNN must be able to compute, were the blobs in this format."""
        raise NotImplementedError(f"{cls.__name__} computes nothing")

    def plan(self, computation: Computation) -> Plan:
        """Return the plan for a computation."""
        return plan_for(self.library, computation)

    def run(self, plan: Plan, *arrays: Any) -> None:
        """Run a plan in the common scratch."""
        plan(self.workspace.array((plan.room,), _BYTE), *arrays)

    def run_beside(self, plan: Plan, scratch: tuple[tuple[int, ...], Any], *arrays: Any) -> Any:
        """Run a plan whose last tensor is scratch of this shape and dtype, and return that."""
        result, room = self.workspace.arrays(scratch, ((plan.room,), _BYTE))
        plan(room, *arrays, result)
        return result


def preferred(library: Library) -> MemoryFormat:
    """Return the format in which cuDNN is fastest: tensor cores want the channels last.

    Without them, its code is for contiguous images, and it would copy the others there and back.
    """
    return CHANNELS_LAST if library.tf32 else CONTIGUOUS
