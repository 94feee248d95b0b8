"""What the tests of layers share: a net of one layer."""

from __future__ import annotations

import pytest

from caffe_core.layer import Phase
from caffe_core.net import Net

INPUT = 'layer {{ name: "{0}" type: "Input" top: "{0}" input_param {{ shape {{ {1} }} }} }}\n'


@pytest.fixture(scope="session")
def one_layer():
    """Build a net of one layer, ``it``, with an Input for each shape.

    Bottoms are ``x0``, ``x1``, ...; tops are ``y0``, ``y1``, ..., or as `top` says.
    """

    def build(definition, *shapes, tops=1, top=None, phase=Phase.TRAIN, force=True, **options):
        inputs = [
            INPUT.format(f"x{index}", " ".join(f"dim: {dim}" for dim in shape))
            for index, shape in enumerate(shapes)
        ]
        bottoms = [f'bottom: "x{index}"' for index in range(len(shapes))]
        names = [f'top: "y{index}"' for index in range(tops)] if top is None else [f'top: "{top}"']
        layer = " ".join(['layer { name: "it"', *bottoms, *names, definition, "}"])
        force_backward = "force_backward: true" if force else ""
        return Net("".join(inputs) + layer + force_backward, phase, **{"seed": 3} | options)

    return build
