"""Cases of the Python layer: modules as a user would write them."""

from __future__ import annotations

from pathlib import Path

from caffe_core.testing import Case

_GAIN = """
from caffe_layer_python import PythonLayer


class Gain(PythonLayer):
    on_device = True  # nothing below needs NumPy

    def setup(self, bottom, top):
        self.power = float(self.param_str)
        self.blobs.add_blob(1)
        self.blobs[0].data[...] = 2

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = self.blobs[0].data[0] * bottom[0].data ** self.power

    def backward(self, top, propagate_down, bottom):
        x, dy = bottom[0].data, top[0].diff
        self.blobs[0].diff[...] += (dy * x**self.power).sum()
        if propagate_down[0]:
            slope = self.power * x ** (self.power - 1)
            bottom[0].diff[...] = self.blobs[0].data[0] * slope * dy
"""

_DISTANCE = """
class Distance:  # derives from nothing
    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise ValueError("two bottoms are needed")

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.difference = bottom[0].data - bottom[1].data
        top[0].data[...] = (self.difference**2).sum() / bottom[0].num / 2

    def backward(self, top, propagate_down, bottom):
        for index, sign in enumerate((1, -1)):
            if propagate_down[index]:
                scale = sign * top[0].diff[0] / bottom[index].num
                bottom[index].diff[...] = scale * self.difference
"""


def _write_modules(folder: Path) -> None:
    (folder / "caffe_python_gain.py").write_text(_GAIN)
    (folder / "caffe_python_distance.py").write_text(_DISTANCE)


CASES = [
    Case(
        "python_param { module: 'caffe_python_gain' layer: 'Gain' param_str: '2' }",
        files=_write_modules,
        note="with a learned blob",
    ),
    Case(
        "python_param { module: 'caffe_python_distance' layer: 'Distance' }",
        bottom=[(3, 4), (3, 4)],
        files=_write_modules,
        note="a loss, with loss_weight: 1",
    ),
]
