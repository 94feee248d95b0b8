"""Whoever works on a device's arrays does so where it is active, that is, in its stream."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_core.cuda.source import elementwise
from caffe_core.errors import DeviceError

FILL = elementwise("fill", f=("Real* y", "y[i] = 1;"))


@pytest.mark.parametrize(
    ("use", "what"),
    [
        (lambda device, x: x + x, "add"),
        (lambda device, x: x.__setitem__(0, 1), "an assignment"),
        (lambda device, x: device.xp.empty(3), "empty"),
        (lambda device, x: device.blas.gemm(x, x, x), "a product"),
        (lambda device, x: device.function(FILL, "f", x.dtype)(4, x), "f of fill"),
    ],
)
def test_work_outside_of_active_is_refused(emulated, use, what):
    x = emulated.zeros(4, np.dtype(np.float32)).reshape(2, 2)
    with pytest.raises(DeviceError, match=f"^{what} is asked for outside of the device's `active`"):
        use(emulated, x)
    with emulated.active():
        use(emulated, x)
