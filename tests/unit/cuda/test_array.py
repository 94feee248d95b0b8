"""Arrays of the emulated device do what CuPy's do, and no more."""

from __future__ import annotations

import importlib
import inspect

import numpy as np
import pytest

from caffe_core.testing.emulation.array import FUNCTIONS, UFUNCS, Surface, active, on_device

xp = Surface("xp")


@pytest.fixture(autouse=True)
def at_work():
    with active() as context:
        yield context


@pytest.fixture
def x():
    return xp.array([[1, 2, 3], [4, 5, 6]], np.float32)


def test_arithmetic(x):
    y = xp.empty_like(x)
    xp.multiply(x, 2, out=y)
    y += x
    y[:, 1] = 0
    y[0] -= x[1]
    np.testing.assert_array_equal(y.get(), [[-1, -5, 3], [12, 0, 18]])
    assert type(y.T) is type(x[1:]) is type(x + 1) is type(x)


def test_what_is_picked_out_or_summed_up_stays_an_array(x):
    for part in (x[1, 2], x[1][2], x.sum(), xp.add.reduce(x, axis=(0, 1)), xp.dot(x[0], x[0])):
        assert (type(part), part.shape) == (type(x), ())
    assert float(x[1, 2]) == float(x.max()) == 6


@pytest.mark.parametrize(
    "mix",
    [
        lambda x, host: x + host,
        lambda x, host: host * x,
        lambda x, host: x.__iadd__(host),
        lambda x, host: x.__setitem__(..., host),
        lambda x, host: x[host > 2],
        lambda x, host: xp.add(x, x, out=host),
        lambda x, host: xp.dot(x[0], host[0]),
    ],
)
def test_arrays_of_the_host_are_refused(x, mix):
    with pytest.raises(TypeError, match="of the host"):
        mix(x, x.get())


@pytest.mark.parametrize(
    "use",
    [
        lambda x: np.concatenate([x, x]),
        lambda x: np.sum(x),
        lambda x: xp.add(x, x, where=x > 2),
        lambda x: xp.add.at(x, 0, 1),
        lambda x: xp.logaddexp(x, x),
        lambda x: np.spacing(x),
        lambda x: xp.empty(3, device="cpu"),
        lambda x: xp.subtract.reduce(x),
        lambda x: xp.maximum.reduce(x, axis=0),
    ],
)
def test_what_cupy_does_not_have_is_refused(x, use):
    with pytest.raises((TypeError, AttributeError), match=r"CuPy|takes no arrays of a GPU"):
        use(x)


def test_an_array_is_copied_to_the_host(x):
    copy = x.get()
    copy[...] = 0
    assert x.get().any()
    assert type(copy) is np.ndarray


def test_memory_that_nobody_has_written_to_is_not_zero():
    assert np.isnan(xp.empty((2, 3), np.float32).get()).all()
    assert xp.empty(3, np.int32).get().tolist() == [-77] * 3
    assert xp.empty(3, bool).get().all()


def test_memory_stays_the_same_on_the_device():
    host = np.zeros(3)
    on_device(host)[...] = 7
    assert host.tolist() == [7, 7, 7]


@pytest.mark.cuda
def test_cupy_has_all_of_it():
    cupy = importlib.import_module("cupy")
    for name in UFUNCS:
        assert callable(getattr(cupy, name)), name
    for name, arguments in FUNCTIONS.items():
        taken = inspect.signature(getattr(cupy, name)).parameters
        assert set(arguments) <= set(taken), name
