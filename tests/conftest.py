"""What holds of all tests."""

from __future__ import annotations

import pytest

from caffe_core.cuda import device_count


def pytest_collection_modifyitems(items):
    """Skip what needs a GPU where there is none."""
    marked = [item for item in items if item.get_closest_marker("cuda")]
    if marked and not device_count():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs an NVIDIA GPU and CuPy"))
