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


def test_both_faces_of_a_picture_are_found(real, example):
    caffe, data = pytest.importorskip("caffe"), pytest.importorskip("skimage.data")
    portrait = data.astronaut()[:300, 100:360].astype(np.float32)
    smaller = caffe.io.resize_image(portrait[:, ::-1], (240, 208))
    scene = np.full((300, 468, 3), 90, np.float32)
    scene[:, :260], scene[40:280, 260:] = portrait, smaller
    boxes, points = example("mtcnn").Mtcnn(real("mtcnn")).detect(scene)
    assert len(boxes) == 2
    order = boxes[:, 0].argsort()
    expected = np.array([[81, 58, 168, 175], [334, 86, 404, 180]])
    np.testing.assert_allclose(boxes[order, :4], expected, atol=8)
    assert (boxes[:, 4] > 0.9).all()
    eyes, mouth = points[order][:, :2, 1], points[order][:, 3:, 1]
    assert (eyes.max(axis=1) < mouth.min(axis=1)).all()
