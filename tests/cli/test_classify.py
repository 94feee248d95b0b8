from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("caffe")

NET = """
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 4 } } }
layer { name: "mean" type: "Pooling" bottom: "data" top: "mean"
  pooling_param { pool: AVE global_pooling: true } }
layer { name: "score" type: "InnerProduct" bottom: "mean" top: "score"
  inner_product_param { num_output: 3 bias_term: false } }
layer { name: "prob" type: "Softmax" bottom: "score" top: "prob" }
"""
COLOURS = {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A net that says which of blue, green and red an image has most of; and such images."""
    from caffe_core import Net, Phase

    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.prototxt").write_text(NET)
    net = Net(NET, Phase.TEST)
    net.params["score"][0].data[...] = np.eye(3) / 50
    net.save("net.caffemodel")
    (tmp_path / "images").mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (6, 5), colour).save(f"images/{name}.png")
    (tmp_path / "names.txt").write_text("\n".join(COLOURS))
    return tmp_path


FLAGS = ("-model_def=net.prototxt", "-pretrained_model=net.caffemodel", "-images_dim=5,5")


def test_a_folder_of_images(caffe, folder):
    result = caffe(
        "classify", "images", "out.npy", *FLAGS, "-ext=png", "-labels=names.txt", "-top=1"
    )
    assert result.status == 0
    lines = result.out.splitlines()
    assert lines[0::2] == [f"images/{name}.png:" for name in COLOURS]
    assert [line.split()[1] for line in lines[1::2]] == list(COLOURS)
    found = np.load("out.npy")
    assert list(found.argmax(axis=1)) == [0, 1, 2]
    assert "Classifying 3 inputs." in result.messages


def test_one_image_and_an_array_of_images(caffe, folder):
    result = caffe(
        "classify", "images/red.png", *FLAGS, "--center_only", "--mean_value=104,117,123"
    )
    assert result.out.splitlines()[1].split()[1:] == ["class", "2"]
    np.save("in.npy", np.ones((1, 5, 5, 3), np.float32) * [0, 0, 1])
    result = caffe("classify", "in.npy", *FLAGS, "--channel_swap=none")
    assert result.out.splitlines()[:1] == ["in.npy[0]:"]
    assert result.out.splitlines()[1].split()[1:] == ["class", "2"]


def test_windows(caffe, folder):
    row = np.concatenate([np.asarray(Image.open(f"images/{name}.png")) for name in COLOURS], axis=1)
    Image.fromarray(row).save("row.png")
    lines = [f"row.png,0,{6 * index},5,{6 * index + 6}" for index in range(3)]
    (folder / "in.csv").write_text("\n".join(["filename,ymin,xmin,ymax,xmax", *lines]))
    for out in ("out.csv", "out.h5"):
        result = caffe("detect", "in.csv", out, *FLAGS[:2], "--context_pad=0")
        assert result.status == 0, result.log
    with open("out.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["filename"] for row in rows] == ["row.png"] * 3
    scores = [[float(row[f"class{each}"]) for each in range(3)] for row in rows]
    assert list(np.argmax(scores, axis=1)) == [0, 1, 2]
    import h5py

    with h5py.File("out.h5") as file:
        np.testing.assert_allclose(file["prediction"], scores, rtol=1e-5)
        assert file["window"].shape == (3, 4)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("classify", "images"), "Model def is missing. Give -model_def FILE."),
        (("classify", "images", *FLAGS), "images has no files *.jpg; give their suffix by --ext"),
        (("classify", "x.png", *FLAGS), "x.png: cannot read the image"),
        (("classify", "images", *FLAGS, "-mean_value=a"), "--mean_value a: expected numbers"),
        (("detect", "in.csv", "out.txt", *FLAGS[:2]), "expected the suffix .csv or .h5"),
        (("detect", "bad.csv", "out.csv", *FLAGS[:2]), "expected columns filename, ymin"),
    ],
)
def test_mistakes(caffe, folder, args, message):
    (folder / "bad.csv").write_text("name,x\na.png,1\n")
    result = caffe(*args)
    assert result.status == 1
    assert message in result.messages[-1]


def test_drawing(caffe, folder):
    pytest.importorskip("pydot")
    result = caffe("draw", "net.prototxt", "net.dot", "--rankdir=tb", "--phase=test")
    assert result.status == 0
    assert "score (InnerProduct)" in (folder / "net.dot").read_text()
