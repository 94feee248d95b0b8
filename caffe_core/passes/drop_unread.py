"""The optional pass that computes only those positions of images that some layer reads."""

from __future__ import annotations

from caffe_core import registry
from caffe_core.blob import Blob, Shape
from caffe_core.graph import Graph, Node
from caffe_core.passes.formats import reorder_for
from caffe_core.passes.kernels import choose_kernel
from caffe_core.passes.setup import call, make_layer

_AXES = 2  # of the images that Pooling takes

Steps = Shape | None  # how far apart the positions lie that are read; None: all are


def drop_unread(graph: Graph) -> list[str]:
    """Move strides up to where the positions are computed that they skip.

    A convolution by a single element with a stride of 2 reads a quarter of its bottom. If all
    readers do, whatever convolution made the bottom computes no more than that, also through layers
    between that treat every position alike, such as ReLU and sums. What a sum adds that others read
    in full is sampled first, by a Pooling layer that is put in.

    Blobs then have fewer positions than in Caffe, so they must be such that need not be kept, and
    nothing may run backward.
    """
    if graph.options.keep is None:
        return ["every blob is kept"]
    if any(node.need_backward for node in graph.nodes):
        return ["layers run backward"]
    if "Pooling" not in registry.layers.names():
        return ["no Pooling layer is installed to take samples"]
    read = _Read(graph)
    notes, present = [], dict[int, Steps]()
    for node in list(graph.nodes):
        steps = read.tops(node)
        if node.layer.movable_stride is not None and len(node.bottom) == 1:
            notes += _move_stride(node, steps, present)
        elif node.layer.positionwise and any(present.get(id(blob)) for blob in node.bottom):
            notes += _sample_others(graph, node, steps, present)
        else:
            continue
        present.update({id(top): steps for top in node.top})
    for node in graph.nodes if notes else ():
        call(node, node.layer.reshape)
    return notes


class _Read:
    """Which positions of each blob are read by the layers after it."""

    def __init__(self, graph: Graph):
        self._steps: dict[int, Steps] = {
            id(blob): None for name, blob in graph.blobs.items() if graph.keeps(name)
        }
        self._fixed = set(self._steps)
        for node in reversed(graph.nodes):
            steps = _read_below(node, self.tops(node))
            for blob in node.bottom:
                self._add(node, blob, steps)

    def tops(self, node: Node) -> Steps:
        """Return which positions of the tops are read, None unless it is the same for all."""
        (steps, *others) = {self._steps.get(id(top)) for top in node.top} or {None}
        return None if others else steps

    def _add(self, node: Node, blob: Blob, steps: Steps) -> None:
        in_place = any(blob is top for top in node.top)
        agreed = in_place or self._steps.get(id(blob), steps) == steps
        self._steps[id(blob)] = steps if agreed and id(blob) not in self._fixed else None


def _read_below(node: Node, steps: Steps) -> Steps:
    """Return which positions of the bottoms a node reads, if of its tops these are wanted."""
    if node.layer.positionwise:
        return steps
    stride, samples = node.layer.movable_stride, node.layer.samples_bottom
    if stride is None or not samples or len(stride) != _AXES or len(node.bottom) != 1:
        return None
    reads = _times(stride, steps)
    return reads if max(reads) > 1 else None


def _times(stride: Shape, steps: Steps) -> Shape:
    return tuple(each * step for each, step in zip(stride, steps or [1] * len(stride), strict=True))


def _move_stride(node: Node, steps: Steps, present: dict[int, Steps]) -> list[str]:
    """Let a convolution go in the steps that are wanted, over the positions that are there."""
    stride = node.layer.movable_stride
    assert stride is not None
    wanted = _times(stride, steps)
    below = present.get(id(node.bottom[0])) or (1,) * len(stride)
    moved = tuple(all_of // done for all_of, done in zip(wanted, below, strict=True))
    if moved == stride:
        return []
    node.layer.movable_stride = moved  # type: ignore[misc]
    return [f"{node.name} has stride {_by(moved)} instead of {_by(stride)}"]


def _sample_others(graph: Graph, node: Node, steps: Steps, present: dict[int, Steps]) -> list[str]:
    """Let a node read samples of those of its bottoms that have all positions."""
    assert steps is not None
    notes = []
    for index, blob in enumerate(node.bottom):
        if present.get(id(blob)) is None:
            sampler = _sampler(graph, node.bottom_names[index], blob, steps)
            node.bottom[index], node.bottom_names[index] = sampler.top[0], sampler.top_names[0]
            notes.append(f"{sampler.name} gives {node.name} positions {_by(steps)} apart")
    return notes


def _sampler(graph: Graph, name: str, blob: Blob, steps: Shape) -> Node:
    """Put in a layer that takes positions so far apart, behind what wrote the blob last."""
    param = type(graph.param)().layer.add(name=f"{name}_sampled", type="Pooling")
    param.bottom.append(name)
    param.top.append(param.name)
    pooling = param.pooling_param
    pooling.kernel_size = 1
    pooling.stride_h, pooling.stride_w = steps
    pooling.round_mode = type(pooling).FLOOR
    writer = max(
        index for index, node in enumerate(graph.nodes) if any(blob is top for top in node.top)
    )
    node = Node(
        make_layer(graph, param, len(graph.nodes)),
        bottom_names=[name],
        top_names=[param.name],
        bottom=[blob],
        top=[Blob((), blob.dtype)],
        loss_weights=[0.0],
        propagate_down=[False],
    )
    call(node, node.layer.setup)
    call(node, node.layer.reshape)
    node.top[0].format = blob.format
    choose_kernel(graph, node)
    reorder_for(node)
    graph.blobs[param.name] = node.top[0]
    graph.nodes.insert(writer + 1, node)
    return node


def _by(steps: Shape) -> str:
    return "x".join(map(str, steps))
