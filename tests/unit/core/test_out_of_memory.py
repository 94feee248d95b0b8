from __future__ import annotations

import pytest

from caffe_core.errors import LayerError, OutOfMemoryError
from caffe_core.net import Net

NET = """
  name: "tiny" force_backward: true
  layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 4 dim: 6 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
    inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
"""


@pytest.fixture
def scarce(mirror, monkeypatch):
    """A device that has no memory for so many numbers, and a net on it."""

    def make(count):
        zeros = mirror.zeros

        def refuse(wanted, dtype):
            if wanted == count:
                raise OutOfMemoryError("too little", wanted * dtype.itemsize)
            return zeros(wanted, dtype)

        monkeypatch.setattr(mirror, "zeros", refuse)
        return Net(NET, device=mirror)

    return make


@pytest.mark.parametrize(
    ("count", "what"),
    [(24, "data of blob 'x'"), (30, "data of learned blob 0"), (20, "data of blob 'y'")],
)
def test_the_blob_is_named(scarce, count, what):
    with pytest.raises(LayerError, match=rf"ip \(InnerProduct\): the {what}.*: too little"):
        scarce(count).forward()
