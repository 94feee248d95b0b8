from __future__ import annotations

import pytest

from caffe_core import errors
from caffe_core.errors import CaffeError, did_you_mean


def test_every_error_is_a_caffe_error_and_a_runtime_error():
    names = [name for name in vars(errors) if name.endswith("Error")]
    assert len(names) > 5
    assert all(issubclass(getattr(errors, name), CaffeError) for name in names)
    assert issubclass(CaffeError, RuntimeError)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("relu", " Did you mean 'ReLU'?"),
        ("ReLo", " Did you mean 'ReLU'?"),
        ("Convolutio", " Did you mean 'Convolution' or 'Deconvolution'?"),
        ("XYZ", ""),
    ],
)
def test_near_names_ignore_case(name, hint):
    assert did_you_mean(name, ["ReLU", "Convolution", "Deconvolution"]) == hint
