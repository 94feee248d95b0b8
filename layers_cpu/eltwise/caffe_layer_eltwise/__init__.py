"""Eltwise: the sum, product or maximum of bottoms, element by element."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.device import CPU, Device
from caffe_core.kernel import Kernel, Workspace
from caffe_core.layer import Facts, Layer, at_least
from caffe_core.proto import caffe_pb2
from caffe_core.testing import Case, uniform
from caffe_layer_eltwise.operations import Maximum, Product, Quotient, Sum


class Eltwise(Layer):
    """Combines bottoms of one shape; ``operation`` is ``SUM``, ``PROD`` or ``MAX``.

    A sum may weigh its bottoms with ``coeff``. The gradient of a product divides by each bottom if
    ``stable_prod_grad`` is false. Where bottoms tie for the maximum, bottom 1 gets the gradient
    rather than 0, and a later one only if it is greater than those before, as in Caffe.
    """

    bottoms = at_least(2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the operation and its coefficients."""
        param = self.param.eltwise_param
        name = caffe_pb2.EltwiseParameter.EltwiseOp.Name(param.operation)
        product = Product if param.stable_prod_grad else Quotient
        self.operation = {"SUM": Sum, "PROD": product, "MAX": Maximum}[name]
        self.facts = Facts(elementwise=True, backward_reads=self.operation.reads)
        if param.coeff and name != "SUM":
            raise self.error(f"coeff is for SUM, operation is {name}; remove coeff")
        if param.coeff and len(param.coeff) != len(bottom):
            raise self.error(
                f"coeff is given {len(param.coeff)} times for {len(bottom)} bottoms; "
                "give one for each bottom, or none"
            )
        self.coeff = list(param.coeff) or [1.0] * len(bottom)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the shape that all bottoms have."""
        for name, below in zip(self.param.bottom, bottom, strict=True):
            if below.shape != bottom[0].shape:
                raise self.error(
                    f"bottoms must have one shape: {self.param.bottom[0]!r} is {bottom[0].shape}, "
                    f"{name!r} is {below.shape}; change one of them"
                )
        top[0].reshape(bottom[0].shape)


class EltwiseKernel(Kernel):
    """Eltwise on arrays."""

    formats = ANY_FORMAT

    def __init__(self, layer: Eltwise, device: Device = CPU, workspace: Workspace | None = None):
        super().__init__(layer, device, workspace)
        self.operation = layer.operation(self)

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Let the operation allocate what it needs."""
        self.operation.prepare([below.data for below in bottom])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        self.operation.forward([below.data for below in bottom], top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of each bottom that wants one."""
        dxs = [
            below.diff if wanted else None
            for below, wanted in zip(bottom, propagate_down, strict=True)
        ]
        xs = [below.data for below in bottom]
        self.operation.backward(top[0].diff, top[0].data, xs, dxs)


_NONZERO = uniform((2, 3), 0.5, 2)

CASES = [
    Case(bottom=[(2, 3, 4, 5)] * 2, note="sum"),
    Case("eltwise_param { coeff: 1 coeff: -0.5 coeff: 2 }", bottom=[(3, 4)] * 3),
    Case("eltwise_param { operation: PROD }", bottom=[(2, 3, 4, 5)] * 2),
    Case("eltwise_param { operation: PROD }", bottom=[(3, 4)] * 3),
    Case("eltwise_param { operation: PROD stable_prod_grad: false }", bottom=[_NONZERO] * 3),
    Case("eltwise_param { operation: MAX }", bottom=[(2, 3, 4, 5)] * 2),
    Case("eltwise_param { operation: MAX }", bottom=[(5,)] * 4),
]
