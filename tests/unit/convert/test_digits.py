from __future__ import annotations

import builtins

import numpy as np
import pytest

from caffe_core.data import datum


@pytest.fixture
def digits(records, convert, tmp_path):
    pytest.importorskip("sklearn")
    assert convert("digits", tmp_path)[0] == 0
    return [
        [each for _, each in records(tmp_path / f"digits_{part}_lmdb")]
        for part in ("train", "test")
    ]


def test_every_digit_is_there_once(digits):
    from sklearn.datasets import load_digits

    train, test = digits
    assert (len(train), len(test)) == (1500, 297)
    found = sorted((each.data, each.label) for each in (*train, *test))
    original = load_digits()
    images = original.images.astype(np.uint8)
    assert found == sorted(
        (each.tobytes(), label) for each, label in zip(images, original.target, strict=True)
    )


def test_shape_and_range(digits):
    pixels = np.stack([datum.to_array(each) for each in digits[0]])
    assert pixels.shape == (1500, 1, 8, 8)
    assert (pixels.min(), pixels.max()) == (0, 16)


def test_digits_are_shuffled(digits):
    for part in digits:
        counts = np.bincount([each.label for each in part[:200]], minlength=10)
        assert counts.min() > 8


def test_order_is_always_the_same(digits, convert, records, tmp_path):
    assert convert("digits", tmp_path / "again")[0] == 0
    again = records(tmp_path / "again" / "digits_test_lmdb")
    assert [each.data for _, each in again] == [each.data for each in digits[1]]


def test_without_scikit_learn(convert, tmp_path, monkeypatch):
    def no_sklearn(name, *args, **options):
        if name.startswith("sklearn"):
            raise ImportError("No module named 'sklearn'")
        return unpatched(name, *args, **options)

    unpatched = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", no_sklearn)
    status, log = convert("digits", tmp_path)
    assert status == 1
    assert "pip install 'caffe-convert[digits]'" in log
