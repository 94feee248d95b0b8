"""What a Pooling layer is: its parameters and shapes."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.layer import Facts, Layer, Phase, between
from caffe_core.proto import caffe_pb2
from caffe_layer_pooling.windows import Windows

PoolingParameter = caffe_pb2.PoolingParameter

_READ_IN_TEST = {
    PoolingParameter.MAX: {"bottom"},
    PoolingParameter.AVE: set(),
    PoolingParameter.STOCHASTIC: {"bottom", "top"},
}


class Pooling(Layer):
    """Moves a window over each channel and keeps one number of what it sees in each place.

    Bottom and top are ``(N, C, H, W)``. MAX may have a second top, the mask: for each window the
    index ``h * W + w`` of its first maximum in the channel, as a real number. STOCHASTIC draws an
    element with a probability in proportion to its value, and in phase TEST takes the expected
    value; it is for bottoms that are not negative. A window without any element of the image, which
    Caffe leaves undefined, is 0, or for MAX the least float32 with mask -1, and has no gradient.

    Source: Jarrett et al., "What is the best multi-stage architecture for object recognition?",
    2009; Zeiler and Fergus, "Stochastic pooling for regularization of deep convolutional neural
    networks", 2013.
    """

    tops = between(1, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the method and the geometry."""
        param = self.param.pooling_param
        self.method = param.pool
        if len(top) > 1 and self.method != PoolingParameter.MAX:
            raise self.error("only pool: MAX has a second top, the mask; remove it")
        self.global_pooling = param.global_pooling
        self.pad, self.stride = self._pair("pad"), self._pair("stride")
        self.kernel = None if self.global_pooling else self._kernel()
        self._check()
        reads = _READ_IN_TEST[self.method] if self.phase is Phase.TEST else ()
        self.facts = Facts(backward_reads=frozenset(reads))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Keep N and C, then the number of windows along each side."""
        shape, name = bottom[0].shape, self.param.bottom[0]
        if len(shape) != 4:
            raise self.error(f"bottom {name!r} has shape {shape}, expected 4 axes: N, C, H, W")
        sides = zip(shape[2:], self.kernel or shape[2:], self.stride, self.pad, strict=True)
        ceil = self.param.pooling_param.round_mode == PoolingParameter.CEIL
        self.windows = [Windows.over(*side, ceil=ceil, clip=any(self.pad)) for side in sides]
        counts = [each.count for each in self.windows]
        if min(counts) < 1:
            raise self.error(
                f"a window of {self.kernel} does not fit bottom {name!r} {shape} with pad "
                f"{self.pad}; use a smaller kernel, or global_pooling"
            )
        for each in top:
            each.reshape(*shape[:2], *counts)

    def _kernel(self) -> tuple[int, int]:
        param = self.param.pooling_param
        size = param.HasField("kernel_size")
        if size == (param.HasField("kernel_h") and param.HasField("kernel_w")):
            raise self.error("give either kernel_size, or both kernel_h and kernel_w")
        kernel = (param.kernel_size,) * 2 if size else (param.kernel_h, param.kernel_w)
        if 0 in kernel:
            raise self.error(f"the kernel is {kernel}, but each side must be at least 1")
        return kernel

    def _pair(self, field: str) -> tuple[int, int]:
        """``pad`` or ``stride`` along H and W."""
        param = self.param.pooling_param
        sides = [param.HasField(f"{field}_{side}") for side in "hw"]
        if any(sides) and (param.HasField(field) or not all(sides)):
            raise self.error(f"give either {field}, or both {field}_h and {field}_w")
        if any(sides):
            return getattr(param, f"{field}_h"), getattr(param, f"{field}_w")
        return (getattr(param, field),) * 2

    def _check(self) -> None:
        param = self.param.pooling_param
        if 0 in self.stride:
            raise self.error(f"the stride is {self.stride}, but must be at least 1 along each side")
        if self.global_pooling:
            if any(param.HasField(field) for field in ("kernel_size", "kernel_h", "kernel_w")):
                raise self.error("global_pooling takes the whole image; remove the kernel's size")
            if self.pad != (0, 0) or self.stride != (1, 1):
                raise self.error("global_pooling needs pad 0 and stride 1; remove pad and stride")
        elif any(pad >= size for pad, size in zip(self.pad, self.kernel, strict=True)):
            raise self.error(f"pad {self.pad} must be less than the kernel {self.kernel}")
        if any(self.pad) and self.method == PoolingParameter.STOCHASTIC:
            raise self.error("pool: STOCHASTIC takes no pad; set pad to 0")
