from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import caffe
import numpy as np
import pytest
from PIL import Image

from caffe_core.errors import CaffeError


@pytest.fixture
def scene(trained, tmp_path):
    """A picture with all three kinds beside each other, and their windows."""
    parts = [np.asarray(Image.open(path)) for path in trained.images]
    Image.fromarray(np.concatenate(parts, axis=1)).save(tmp_path / "scene.png")
    windows = [(0, left, 16, left + 16) for left in (0, 16, 32)]
    return str(tmp_path / "scene.png"), windows


@pytest.mark.parametrize("context_pad", [None, 0, 1])
def test_it_says_what_windows_show(trained, takes, scene, context_pad):
    detector = caffe.Detector(trained.model, trained.weights, context_pad=context_pad, **takes)
    found = detector.detect_windows([scene])
    assert [each["prediction"].argmax() for each in found] == [0, 1, 2]
    assert [tuple(each["window"]) for each in found] == scene[1]
    assert {each["filename"] for each in found} == {scene[0]}
    assert detector.detect_windows([]) == []


def test_what_is_outside_the_image_is_the_mean(trained, takes):
    detector = caffe.Detector(trained.model, trained.weights, context_pad=3, **takes)
    crop = detector.crop(np.zeros((16, 16, 3), np.float32), (0, 0, 15, 15))
    assert crop.shape == (12, 12, 3)
    np.testing.assert_allclose(crop[0, 0], 0.5)  # the mean 1, before the raw scale 2
    np.testing.assert_allclose(crop[6, 6], 0)


def test_a_window_outside_the_image(trained, takes):
    detector = caffe.Detector(trained.model, trained.weights, context_pad=1, **takes)
    with pytest.raises(CaffeError, match="lies outside the image"):
        detector.crop(np.zeros((16, 16, 3), np.float32), (40, 40, 50, 50))


def test_selective_search_finds_the_windows(trained, takes, scene, monkeypatch):
    path, windows = scene
    asked = []

    def get_windows(names, cmd):
        asked.extend([*names, cmd])
        return [windows for _ in names]

    search = SimpleNamespace(get_windows=get_windows)
    monkeypatch.setitem(sys.modules, "selective_search_ijcv_with_python", search)
    monkeypatch.chdir(Path(path).parent)
    detector = caffe.Detector(trained.model, trained.weights, **takes)
    found = detector.detect_selective_search([Path(path).name])
    assert asked == [path, "selective_search_rcnn"]  # MATLAB runs in another folder
    assert [each["prediction"].argmax() for each in found] == [0, 1, 2]


def test_selective_search_says_what_is_missing(trained, takes):
    detector = caffe.Detector(trained.model, trained.weights, **takes)
    with pytest.raises(CaffeError, match="selective_search_ijcv_with_python, which is not inst"):
        detector.detect_selective_search(["a.png"])
