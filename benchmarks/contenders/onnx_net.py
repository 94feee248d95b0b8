"""A net of Caffe as an ONNX model, written node by node.

What PyTorch exports would do as well, but for LRN, which it writes as a mean of squares.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from benchmarks.contenders import Unavailable
from benchmarks.contenders.steps import Step, Steps, one
from caffe_core.proto import caffe_pb2

OPSET = 13


def to_onnx(net: Steps) -> bytes:
    """Return the model, serialised. Its outputs are in the order of the net's.

    Raises:
        Unavailable: A layer has not been translated, since no measured net has it.
    """
    graph = Graph()
    for step in net.steps:
        if step.layer.type not in _TRANSLATIONS:
            raise Unavailable(f"{step.layer.type} is not translated")
        _TRANSLATIONS[step.layer.type](graph, step)
    float32 = onnx.TensorProto.FLOAT
    read = {name for node in graph.nodes for name in node.input}
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "net",
            [
                helper.make_tensor_value_info(name, float32, shape)
                for name, shape in net.inputs.items()
                if name in read
            ],
            [helper.make_tensor_value_info(name, float32, None) for name in net.outputs.values()],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,
    )
    return onnx.shape_inference.infer_shapes(model).SerializeToString()


class Graph:
    """Nodes and constants so far."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node; return its output."""
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, name: str, values: np.ndarray) -> str:
        """Add an array; return its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def blobs(self, step: Step) -> list[str]:
        """Add all learned blobs of a step; return their names."""
        return [self.constant(f"{step.top}[{i}]", blob) for i, blob in enumerate(step.blobs)]


def _convolution(graph: Graph, step: Step) -> None:
    param = step.layer.convolution_param
    graph.add(
        "Conv",
        [*step.bottom, *graph.blobs(step)],
        step.top,
        kernel_shape=list(step.blobs[0].shape[2:]),
        strides=[one(param.stride, 1)] * 2,
        pads=[one(param.pad, 0)] * 4,
        dilations=[one(param.dilation, 1)] * 2,
        group=param.group,
    )


def _inner_product(graph: Graph, step: Step) -> None:
    weight, *bias = step.blobs
    if step.layer.inner_product_param.axis == 1:
        flat = graph.add("Flatten", step.bottom, f"{step.top}/flat", axis=1)
        graph.add("Gemm", [flat, *graph.blobs(step)], step.top, transB=1)
        return
    product = [*step.bottom, graph.constant(f"{step.top}/weight", weight.T)]
    graph.add("MatMul", product, f"{step.top}/product" if bias else step.top)
    if bias:
        added = graph.constant(f"{step.top}/bias", bias[0])
        graph.add("Add", [f"{step.top}/product", added], step.top)


def _lstm(graph: Graph, step: Step) -> None:
    """Sequences begin with the first step, as ``cont`` says; then it need not be read."""
    into, bias, recurrent = map(_gates, step.blobs)
    constants = {"W": into, "R": recurrent, "B": np.concatenate([bias, 0 * bias])}
    inputs = [graph.constant(f"{step.top}/{k}", v[np.newaxis]) for k, v in constants.items()]
    outputs = step.layer.recurrent_param.num_output
    several = graph.add(
        "LSTM", [step.bottom[0], *inputs], f"{step.top}/directions", hidden_size=outputs
    )
    axis = graph.constant(f"{step.top}/axis", np.array([1]))
    graph.add("Squeeze", [several, axis], step.top)


def _gates(rows: np.ndarray) -> np.ndarray:
    """Gates are input, forget, output, candidate in Caffe; in ONNX output is before forget."""
    first, second, third, last = np.split(rows, 4)
    return np.concatenate([first, third, second, last])


def _batch_norm(graph: Graph, step: Step) -> None:
    mean, variance, count = step.blobs
    one_each = np.ones_like(mean)
    factor, bias = step.scale[1] if step.scale else (one_each, 0 * one_each)
    arrays = {"factor": factor, "bias": bias, "mean": mean / count, "variance": variance / count}
    constants = [graph.constant(f"{step.top}/{name}", each) for name, each in arrays.items()]
    epsilon = step.layer.batch_norm_param.eps
    graph.add("BatchNormalization", [*step.bottom, *constants], step.top, epsilon=epsilon)


def _pooling(graph: Graph, step: Step) -> None:
    param = step.layer.pooling_param
    mean = param.pool == caffe_pb2.PoolingParameter.AVE
    kind = "Average" if mean else "Max"
    if param.global_pooling:
        graph.add(f"Global{kind}Pool", step.bottom, step.top)
        return
    if mean and param.pad:
        raise Unavailable("a mean over padding is not translated")
    graph.add(
        f"{kind}Pool",
        step.bottom,
        step.top,
        kernel_shape=[param.kernel_size] * 2,
        strides=[param.stride] * 2,
        pads=[param.pad] * 4,
        ceil_mode=int(param.round_mode == caffe_pb2.PoolingParameter.CEIL),
    )


def _lrn(graph: Graph, step: Step) -> None:
    param = step.layer.lrn_param
    if param.norm_region != caffe_pb2.LRNParameter.ACROSS_CHANNELS:
        raise Unavailable("LRN within channels is not translated")
    graph.add(
        "LRN",
        step.bottom,
        step.top,
        size=param.local_size,
        alpha=param.alpha,
        beta=param.beta,
        bias=param.k,
    )


def _eltwise(graph: Graph, step: Step) -> None:
    param = step.layer.eltwise_param
    if param.operation != caffe_pb2.EltwiseParameter.SUM or param.coeff or len(step.bottom) != 2:
        raise Unavailable("an Eltwise other than the plain sum of two is not translated")
    graph.add("Add", step.bottom, step.top)


def _concat(graph: Graph, step: Step) -> None:
    graph.add("Concat", step.bottom, step.top, axis=step.layer.concat_param.axis)


def _softmax(graph: Graph, step: Step) -> None:
    graph.add("Softmax", step.bottom, step.top, axis=step.layer.softmax_param.axis)


def _relu(graph: Graph, step: Step) -> None:
    graph.add("Relu", step.bottom, step.top)


_TRANSLATIONS: dict[str, Callable[[Graph, Step], None]] = {
    "BatchNorm": _batch_norm,
    "Concat": _concat,
    "Convolution": _convolution,
    "Eltwise": _eltwise,
    "InnerProduct": _inner_product,
    "LRN": _lrn,
    "LSTM": _lstm,
    "Pooling": _pooling,
    "ReLU": _relu,
    "Softmax": _softmax,
}
