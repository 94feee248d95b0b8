"""A face detector of 2016: three nets with PReLU, and what OpenCV computes with them."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core import Net, Phase

WAYS = {
    "default": {},
    "caffe": {"engines": ("caffe",)},
    "channels_last": {"memory_format": "channels_last"},
}


@pytest.mark.parametrize("options", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("name", ["det1", "det2", "det3"])
def test_outputs_are_those_of_opencv(real, name, options):
    stem = real("mtcnn") / name
    net = Net(f"{stem}.prototxt", Phase.TEST, weights=f"{stem}.caffemodel", **options)
    with np.load(f"{stem}.expected.npz") as stored:
        (data,) = (net.blobs[each] for each in net.inputs)
        data.reshape(*stored["input"].shape)
        net.reshape()
        data.data[...] = stored["input"]
        net.forward()
        outputs = {f"out__{each}": net.blobs[each].data for each in net.outputs}
        assert outputs.keys() == set(stored) - {"input"}
        for each, found in outputs.items():
            np.testing.assert_allclose(found, stored[each], rtol=0, atol=1e-4)
