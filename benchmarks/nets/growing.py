"""A net definition that grows layer by layer, for nets too long to write by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from google.protobuf import text_format

from caffe_core.proto import caffe_pb2

WEIGHT = {"lr_mult": 1, "decay_mult": 1}
BIAS = {"lr_mult": 2, "decay_mult": 0}
MSRA = {"type": "msra"}


class Growing:
    """A definition with the inputs ``data`` and, for TRAIN, ``label``.

    Each method adds a layer, named as its top, and returns that name: the next layer's bottom.

    Attributes:
        param: The ``NetParameter`` so far.
        phase: The phase that new layers are for; None: any.
    """

    def __init__(self, name: str, *image: int):
        self.param = caffe_pb2.NetParameter(name=name)
        self.phase: str | None = None
        self.add("Input", "data", (), input_param={"shape": [{"dim": [1, *image]}]})
        with self.only("TRAIN"):
            self.add("Input", "label", (), input_param={"shape": [{"dim": [1]}]})

    @contextmanager
    def only(self, phase: str) -> Iterator[None]:
        """Let the layers that are added meanwhile be for one phase."""
        before, self.phase = self.phase, phase
        yield
        self.phase = before

    def add(
        self, type_name: str, name: str, bottom: str | tuple[str, ...], *, top: str = "", **params
    ) -> str:
        """Add a layer of any type. Params are fields of ``LayerParameter``, submessages dicts."""
        top = top or name
        bottoms = (bottom,) if isinstance(bottom, str) else bottom
        layer = caffe_pb2.LayerParameter(
            name=name, type=type_name, bottom=bottoms, top=[top], **params
        )
        if self.phase:
            layer.include.add(phase=self.phase)
        self.param.layer.append(layer)
        return top

    def conv(
        self,
        name: str,
        bottom: str,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        pad: int = 0,
        group: int = 1,
        bias: float | None = 0,
        filler: dict[str, Any] = MSRA,
    ) -> str:
        """Add a convolution; its bias starts with one value, None: it has none."""
        param: dict[str, Any] = {"num_output": outputs, "kernel_size": [kernel]}
        given = {
            "stride": ([stride], stride > 1),
            "pad": ([pad], pad > 0),
            "group": (group, group > 1),
        }
        param |= {field: value for field, (value, wanted) in given.items() if wanted}
        return self._learn("Convolution", name, bottom, "convolution_param", param, bias, filler)

    def inner_product(
        self,
        name: str,
        bottom: str,
        outputs: int,
        *,
        bias: float = 0,
        filler: dict[str, Any] = MSRA,
    ) -> str:
        """Add an inner product."""
        param = {"num_output": outputs}
        return self._learn("InnerProduct", name, bottom, "inner_product_param", param, bias, filler)

    def relu(self, top: str) -> str:
        """Add a ReLU in place."""
        return self.add("ReLU", f"{top}/relu", top, top=top)

    def dropout(self, top: str, ratio: float) -> str:
        """Add a dropout in place."""
        param = {"dropout_ratio": ratio}
        return self.add("Dropout", f"{top}/drop", top, top=top, dropout_param=param)

    def batch_norm(self, top: str, *, factor: float = 1) -> str:
        """Add BatchNorm and Scale in place, the learned factor starting with a value."""
        self.add("BatchNorm", f"{top}/bn", top, top=top)
        scale = {"bias_term": True, "filler": {"type": "constant", "value": factor}}
        return self.add("Scale", f"{top}/scale", top, top=top, scale_param=scale)

    def lrn(self, name: str, bottom: str) -> str:
        """Add a local response normalisation across 5 channels."""
        return self.add(
            "LRN", name, bottom, lrn_param={"local_size": 5, "alpha": 1e-4, "beta": 0.75}
        )

    def max_pool(self, name: str, bottom: str, kernel: int, stride: int, pad: int = 0) -> str:
        """Add a pooling that takes the maximum."""
        param = {"pool": "MAX", "kernel_size": kernel, "stride": stride}
        return self.add(
            "Pooling", name, bottom, pooling_param=param | ({"pad": pad} if pad else {})
        )

    def mean_pool(self, name: str, bottom: str, kernel: int = 0, stride: int = 1) -> str:
        """Add a pooling that takes the mean; of everything, if there is no kernel."""
        window = {"kernel_size": kernel, "stride": stride} if kernel else {"global_pooling": True}
        return self.add("Pooling", name, bottom, pooling_param={"pool": "AVE", **window})

    def concat(self, name: str, *bottom: str) -> str:
        """Join channels."""
        return self.add("Concat", name, bottom)

    def loss(self, name: str, bottom: str, weight: float = 1) -> str:
        """Add a loss, for TRAIN only."""
        with self.only("TRAIN"):
            return self.add("SoftmaxWithLoss", name, (bottom, "label"), loss_weight=[weight])

    def finish(self, bottom: str) -> str:
        """Add the loss for TRAIN and the probabilities for TEST; return the definition."""
        self.loss("loss", bottom)
        with self.only("TEST"):
            self.add("Softmax", "prob", bottom)
        return prototxt(self.param)

    def _learn(
        self, type_name: str, name: str, bottom: str, field: str, param: dict[str, Any],
        bias: float | None, filler: dict[str, Any],
    ) -> str:  # fmt: skip
        param |= {"weight_filler": filler}
        if bias is None:
            return self.add(
                type_name, name, bottom, param=[WEIGHT], **{field: param | {"bias_term": False}}
            )
        param |= {"bias_filler": {"type": "constant", "value": bias}}
        return self.add(type_name, name, bottom, param=[WEIGHT, BIAS], **{field: param})


def prototxt(param: Any) -> str:
    """Return a definition as text, with a line for each field of a layer."""
    lines = [f'name: "{param.name}"']
    for layer in param.layer:
        lines += ["layer {", *(f"  {line}" for line in _fields(layer)), "}"]
    return "\n".join(lines) + "\n"


def _fields(layer: Any) -> list[str]:
    """Each field of a message on a line of its own; one that is repeated, on several."""
    lines = []
    for field, value in layer.ListFields():
        repeated = hasattr(value, "extend")
        for each in value if repeated else [value]:
            alone = type(layer)(**{field.name: [each] if repeated else each})
            lines.append(text_format.MessageToString(alone, as_one_line=True).strip())
    return lines
