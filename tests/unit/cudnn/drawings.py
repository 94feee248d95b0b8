"""Draws computations with cuDNN's own frontend, and lets it check them; no GPU is needed for that.

`test_frontend.py` runs it where the frontend finds as much of cuDNN as this takes.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import SimpleNamespace

from caffe_engine_cudnn.correlation import Correlation, Wanted
from caffe_engine_cudnn.graph import Graph, Layout
from caffe_engine_cudnn.library import frontend
from caffe_engine_cudnn.normalization import Normalization, NormalizationGradient

from caffe_core.blob import CHANNELS_LAST, CONTIGUOUS
from caffe_core.convolution import ConvolutionGeometry

GEOMETRIES = [  # kernel, stride, pad, dilation, image
    ((3, 3), (1, 1), (1, 1), (1, 1), (6, 7)),
    ((3, 2), (2, 1), (2, 0), (1, 2), (7, 6)),
    ((5,), (2,), (1,), (1,), (8,)),
    ((2, 2, 2), (1, 1, 1), (0, 0, 0), (1, 1, 1), (4, 5, 3)),
    ((4, 4), (3, 3), (0, 0), (1, 1), (3, 7)),
]


class Unshaped(Graph):
    """A graph that leaves the shape of its output to the frontend."""

    def output(self, tensor, layout):
        tensor.set_output(True).set_data_type(self._float)
        self.left = tensor


def correlations():
    for sides, group, memory_format in itertools.product(
        GEOMETRIES, (1, 2), (CONTIGUOUS, CHANNELS_LAST)
    ):
        *numbers, image = sides
        geometry = ConvolutionGeometry(*numbers)
        layouts = (
            Layout.dense((2, 4, *image), memory_format),
            Layout.dense((6, 4 // group, *geometry.kernel), CONTIGUOUS),
            Layout.dense((2, 6, *geometry.positions(image)), memory_format),
        )
        for wanted in Wanted:
            plain = Correlation(wanted, *layouts, geometry)
            yield from (plain, replace(plain, biased=True), replace(plain, rectified=True))


def normalizations():
    for shape, memory_format in itertools.product(
        ((4, 8, 35, 1), (4, 8, 1, 1)), (CONTIGUOUS, CHANNELS_LAST)
    ):
        image = Layout.dense(shape, memory_format)
        yield from (Normalization(image, 1e-5), NormalizationGradient(image))


def check(library, computation):
    graph = Graph(library)
    computation.draw(graph)
    graph.operations.validate()
    if getattr(computation, "wanted", None) is Wanted.OUTPUT:
        graph = Unshaped(library)
        computation.draw(graph)
        graph.operations.validate()
        assert tuple(graph.left.get_dim()) == computation.output.shape, computation


def main():
    library = SimpleNamespace(module=frontend(), handle=1)
    drawn = [*correlations(), *normalizations()]
    for computation in drawn:
        check(library, computation)
    print(len(drawn), "drawn")


if __name__ == "__main__":
    main()
