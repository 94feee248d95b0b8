"""CudnnKernel: what the kernels of this engine have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from caffe_core import registry
from caffe_core.blob import ANY_FORMAT, CHANNELS_LAST, CONTIGUOUS, Blob, MemoryFormat, Shape
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.cuda.source import Source
from caffe_core.device import Device
from caffe_core.kernel import Workspace
from caffe_core.layer import Layer
from caffe_engine_cudnn.graph import Computation
from caffe_engine_cudnn.library import CudnnError, Library, library_of
from caffe_engine_cudnn.native import Native
from caffe_engine_cudnn.plan import Plan, plan_for
from caffe_engine_cudnn.rivalry import is_asked_for, is_faster

_BYTE = np.dtype(np.uint8)


class CudnnKernel(CudaKernel):
    """Runs plans of cuDNN, which are shared by all kernels that compute the same.

    Attributes:
        has_rivals: Whether the kernel that is there without cuDNN may be as fast, so that both are
            tried.
        library: CuDNN.
    """

    formats = ANY_FORMAT
    has_rivals: ClassVar[bool] = True
    source = Source.beside(__file__, "keep.cu")

    def __init__(self, layer: Layer, device: Device, workspace: Workspace | None = None):
        super().__init__(layer, device, workspace)
        self.library = library_of(device)
        self.prefers = preferred(self.library)

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Return why cuDNN cannot run `layer`, or should not."""
        reason = cls.fails(layer, bottom, top)
        rival = registry.kernels("cuda").get(layer.type) if cls.has_rivals else None
        if reason or rival is None or is_asked_for(layer) or not bottom[0].count:
            return reason
        library = library_of(bottom[0].device)
        with library.device.active():
            faster = is_faster(library, (cls, rival), layer, bottom, top, preferred(library))
        return None if faster else "Caffe's own kernel is faster here for these shapes"

    @classmethod
    def fails(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Return why cuDNN cannot run `layer` with these shapes."""
        if layer.dtype != np.float32:
            return f"cuDNN computes in float32 here, the net in {layer.dtype}"
        try:
            library = library_of(bottom[0].device)
            if not all(blob.count for blob in (*bottom, *top)):
                return None
            with library.device.active():
                for computation in cls.computations(layer, bottom, top, preferred(library)):
                    plan_for(library, computation)
                cls.attempt(Native(library), layer, bottom, top)
        except CudnnError as error:
            return str(error)
        return None

    @classmethod
    def computations(
        cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob], memory_format: MemoryFormat
    ) -> Iterable[Computation]:
        """Return the graphs that cuDNN must have code for, were the blobs in this format."""
        return ()

    @classmethod
    def attempt(
        cls, native: Native, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]
    ) -> None:
        """Call the C functions that the kernel needs, where they may refuse.

        Raises:
            CudnnError: One does.
        """

    def plan(self, computation: Computation) -> Plan:
        """Return the plan for a computation."""
        return plan_for(self.library, computation)

    def run(self, plan: Plan, *arrays: Any) -> None:
        """Run a plan in the common scratch."""
        plan(self.workspace.array((plan.room,), _BYTE), *arrays)

    def run_beside(self, plan: Plan, scratch: Sequence[tuple[Shape, Any]], *arrays: Any) -> Any:
        """Run a plan whose last tensors are scratch of these shapes and dtypes; return those."""
        *results, room = self.workspace.arrays(*scratch, ((plan.room,), _BYTE))
        plan(room, *arrays, *results)
        return results

    def keep(self, array: Any, place: Any) -> None:
        """Copy the memory of an array, which a `source` with ``keep.cu`` does."""
        self.function("keep")(array.size, array, place)


class NativeKernel(CudnnKernel):
    """Calls C functions of cuDNN, and leaves the memory format to the layers around.

    Attributes:
        native: Those functions.
    """

    def __init__(self, layer: Layer, device: Device, workspace: Workspace | None = None):
        super().__init__(layer, device, workspace)
        self.native = Native(self.library)
        self.prefers = None


def preferred(library: Library) -> MemoryFormat:
    """Return the format in which cuDNN is fastest: tensor cores want the channels last.

    Without them, its code is for contiguous images, and it would copy the others there and back.
    """
    return CHANNELS_LAST if library.tf32 else CONTIGUOUS
