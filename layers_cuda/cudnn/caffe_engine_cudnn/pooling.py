"""Pooling on cuDNN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_layer_pooling_cuda import PoolingKernel as CaffeKernel

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.layer import Layer, Phase
from caffe_core.proto.caffe_pb2 import PoolingParameter
from caffe_engine_cudnn.graph import Layout
from caffe_engine_cudnn.kernel import NativeKernel
from caffe_engine_cudnn.native import ONE, ZERO, Native

_MODES = {
    PoolingParameter.MAX: 3,  # the one whose gradient does not change from run to run
    PoolingParameter.AVE: 1,  # zeros in the padding count
}


class PoolingKernel(NativeKernel):
    """MAX and AVE pooling.

    Caffe's kernel for MAX remembers winners, so nothing need be kept for it; cuDNN's gradient looks
    for them again. Forward copies what that takes, if backward will run and the net does not keep
    it. Hence a layer that is to be trained gets this kernel for MAX only if it asks for it, by
    ``engine: CUDNN``.

    Should the images' shape change so that cuDNN cannot go on, Caffe's kernel does.
    """

    @classmethod
    def fails(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Refuse what cuDNN has not, counts otherwise than Caffe, or does with copies only."""
        if layer.method not in _MODES:
            return "cuDNN has no stochastic pooling"
        if len(layer.param.top) > 1:
            return "cuDNN gives no mask as a second top"
        if any(map(_overhangs, layer.windows)):
            return "cuDNN takes no windows that reach beyond the padding"
        asked = layer.param.pooling_param.engine == PoolingParameter.CUDNN
        if layer.method == PoolingParameter.MAX and layer.phase is Phase.TRAIN and not asked:
            return (
                "cuDNN's gradient of MAX needs copies of bottom and top, and may go to another of "
                "several equal maxima; say engine: CUDNN to have it"
            )
        return super().fails(layer, bottom, top)

    @classmethod
    def attempt(
        cls, native: Native, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]
    ) -> None:
        """Pool one image, in both memory formats: not every window has a gradient in each."""
        device, shapes = bottom[0].device, [(1, *blob.shape[1:]) for blob in (bottom[0], top[0])]
        for memory_format in ANY_FORMAT:
            pool = _Pool(native, layer, *(Layout.dense(shape, memory_format) for shape in shapes))
            x, y, dx = (device.zeros(size, layer.dtype) for size in (*pool.sizes, pool.sizes[0]))
            pool.forward(x, y)
            pool.backward(y, y, x, dx)

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Describe the windows; make room for what is kept."""
        self._plain = None
        if not bottom[0].count or self.fails(self.layer, bottom, top):
            self._plain = CaffeKernel(self.layer, self.device, self.workspace)
            self._plain.need_backward = self.need_backward
            self._plain.prepare(bottom, top)
            return
        self._pool = _Pool(self.native, self.layer, *map(Layout.of, (bottom[0], top[0])))
        learns = self.layer.method == PoolingParameter.MAX and self.need_backward
        lost = learns and "bottom" not in self.layer.facts.backward_reads
        self._x = self.xp.empty(bottom[0].count, self.layer.dtype) if lost else None
        self._y = self.xp.empty(top[0].count, self.layer.dtype) if learns else None

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        if self._plain is not None:
            self._plain.forward(bottom, top)
            return
        x, y = bottom[0].read(), top[0].overwrite()
        self._pool.forward(x, y)
        for array, kept in ((x, self._x), (y, self._y)):
            if kept is not None:
                self.keep(array, kept)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the bottom's diff."""
        if self._plain is not None:
            self._plain.backward(top, propagate_down, bottom)
        elif propagate_down[0]:
            dy, dx = top[0].read_diff(), bottom[0].overwrite_diff()
            x, y = dx, dy  # at which the gradient of AVE does not look
            if self._y is not None:
                x, y = bottom[0].read() if self._x is None else self._x, self._y
            self._pool.backward(y, dy, x, dx)


class _Pool:
    """Pooling of images that lie in memory in one way.

    Attributes:
        sizes: How many numbers there are in images and results.
    """

    def __init__(self, native: Native, layer: Layer, image: Layout, output: Layout):
        self._native = native
        sides = ("kernel", "pad", "stride")
        geometry = ([getattr(each, side) for each in layer.windows] for side in sides)
        self._windows = native.pooling(_MODES[layer.method], *geometry)
        self._image, self._output = native.tensor(image), native.tensor(output)
        self.sizes = image.count, output.count

    def forward(self, x: Any, y: Any) -> None:
        """Write the results."""
        self._native.compute(
            "cudnnPoolingForward", self._windows, ONE, self._image, x, ZERO, self._output, y
        )

    def backward(self, y: Any, dy: Any, x: Any, dx: Any) -> None:
        """Write the gradient of the images."""
        image, output = self._image, self._output
        self._native.compute(
            "cudnnPoolingBackward", self._windows, ONE,
            output, y, output, dy, image, x, ZERO, image, dx,
        )  # fmt: skip


def _overhangs(windows: Any) -> bool:
    """Whether the last window reaches beyond the padding, as it does where Caffe rounds up."""
    end = (windows.count - 1) * windows.stride + windows.kernel
    return bool(end > windows.length + 2 * windows.pad)
