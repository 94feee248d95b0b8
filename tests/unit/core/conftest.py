"""What the tests of the core share: tiny layers, a second device, and ways to build things."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from caffe_core import registry
from caffe_core.blob import ANY_FORMAT
from caffe_core.device import Device
from caffe_core.graph import Graph, Options
from caffe_core.hooks import hookimpl, manager
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, at_least, exactly
from caffe_core.proto.files import load_net


class Double(Layer):
    """y = 2x."""

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset())


class DoubleKernel(Kernel):
    formats = ANY_FORMAT

    def forward(self, bottom, top):
        self.xp.multiply(bottom[0].data, 2, out=top[0].data)

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            self.xp.multiply(top[0].diff, 2, out=bottom[0].diff)


class Total(Layer):
    """A loss: the sum of all elements of all bottoms."""

    bottoms = at_least(1)
    auto_tops = True
    is_loss = True
    facts = Facts(backward_reads=frozenset())

    def reshape(self, bottom, top):
        top[0].reshape(())

    def allow_force_backward(self, bottom_index):
        return bottom_index == 0


class TotalKernel(Kernel):
    formats = ANY_FORMAT

    def forward(self, bottom, top):
        top[0].data[...] = sum(blob.data.sum() for blob in bottom)

    def backward(self, top, propagate_down, bottom):
        for blob, wanted in zip(bottom, propagate_down, strict=True):
            if wanted:
                blob.diff[...] = top[0].diff


class Gain(Layer):
    """y = x times a learned blob of the shape of one item, which starts as ones."""

    facts = Facts(backward_reads=frozenset({"bottom"}))

    def setup(self, bottom, top):
        self.add_blob(bottom[0].shape[1:]).data.fill(1)


class GainKernel(Kernel):
    formats = ANY_FORMAT

    def forward(self, bottom, top):
        self.xp.multiply(bottom[0].data, self.blobs[0].data, out=top[0].data)

    def backward(self, top, propagate_down, bottom):
        if self.layer.param_propagate_down[0]:
            self.blobs[0].diff[...] += (bottom[0].data * top[0].diff).sum(axis=0)
        if propagate_down[0]:
            self.xp.multiply(top[0].diff, self.blobs[0].data, out=bottom[0].diff)


class Noise(Layer):
    """A source of random numbers: one top, a vector of four in each of three items."""

    bottoms = exactly(0)
    facts = Facts(host_only=True)

    def reshape(self, bottom, top):
        top[0].reshape(3, 4)


class NoiseKernel(Kernel):
    def forward(self, bottom, top):
        self.layer.rng.random(dtype=top[0].dtype, out=top[0].overwrite())


class Count(Layer):
    """A source of the numbers 1, 2, 3, ...: one in each batch, of shape (1, 1).

    `special` gives what to say in place of a number.
    """

    bottoms = exactly(0)
    facts = Facts(host_only=True)

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.done = 0
        self.special = {}

    def reshape(self, bottom, top):
        top[0].reshape(1, 1)

    def state(self):
        return {"done": self.done}

    def restore(self, state):
        self.done = state["done"]

    def skip(self, batches):
        self.done = batches


class CountKernel(Kernel):
    def forward(self, bottom, top):
        self.layer.done += 1
        top[0].overwrite()[...] = self.layer.special.get(self.layer.done, self.layer.done)


class Any2Any(Layer):
    """Any number of bottoms and tops; the tops have the shape of the first bottom, or (2, 3)."""

    bottoms = at_least(0)
    tops = at_least(0)

    def reshape(self, bottom, top):
        for blob in top:
            blob.reshape(bottom[0].shape if bottom else (2, 3))


class Idle(Kernel):
    formats = ANY_FORMAT

    def forward(self, bottom, top):
        pass


TINY = {
    "Double": (Double, DoubleKernel),
    "Total": (Total, TotalKernel),
    "Gain": (Gain, GainKernel),
    "Noise": (Noise, NoiseKernel),
    "Count": (Count, CountKernel),
    "Any": (Any2Any, Idle),
}


@pytest.fixture(autouse=True, scope="session")
def tiny_layers():
    for name, (layer, kernel) in TINY.items():
        registry.layers.register(name, layer)
        registry.kernels("cpu").register(name, kernel)
    yield
    for name in TINY:
        registry.layers.unregister(name)
        registry.kernels("cpu").unregister(name)


@pytest.fixture
def plug():
    """Register a plugin for one test: ``plug(registry.layers, "Name", plugin)``."""
    plugged = []

    def register(where, name, plugin):
        plugged.append((where, name))
        return where.register(name, plugin)

    yield register
    for where, name in plugged:
        where.unregister(name)


@pytest.fixture
def plug_layer(plug):
    """Register a layer type with its CPU kernel for one test."""

    def register(name, layer, kernel=Idle):
        plug(registry.layers, name, layer)
        plug(registry.kernels("cpu"), name, kernel)

    return register


@pytest.fixture
def after_iteration():
    """Return a function that has another one called with the solver after each iteration."""
    listeners = []

    def call(function):
        class Listener:
            @hookimpl
            def on_iteration_end(self, solver):
                function(solver)

        listeners.append(Listener())
        manager().register(listeners[-1])

    yield call
    for listener in listeners:
        manager().unregister(listener)


class MirrorArray(np.ndarray):
    """An array that mixes with arrays of the host as little as an array on a GPU does."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **options):
        inputs, targets = map(_unwrap, inputs), tuple(map(_unwrap, out))
        options = {name: _unwrap(value) for name, value in options.items()}
        if targets:
            options["out"] = targets
        result = getattr(ufunc, method)(*inputs, **options)
        return out[0] if out else _wrap(result)

    def __array_function__(self, function, types, args, kwargs):
        if any(each is np.ndarray for each in types):
            raise TypeError(f"{function.__name__} mixes arrays of the host and the mirror")
        return super().__array_function__(function, types, args, kwargs)

    def __setitem__(self, index, value):
        super().__setitem__(index, _unwrap(value))


def _unwrap(value):
    """The plain array inside a mirror array; an array of the host is refused."""
    if isinstance(value, MirrorArray):
        return value.view(np.ndarray)
    if isinstance(value, np.ndarray) and value.ndim:
        raise TypeError("an array of the host is used on the mirror")
    return value


def _wrap(value):
    return value.view(MirrorArray) if isinstance(value, np.ndarray) else value


class MirrorDevice(Device):
    """A second device made of the host's memory, to test coherence without a GPU."""

    kind = "mirror"

    def zeros(self, count, dtype):
        return np.zeros(count, dtype).view(MirrorArray)

    def upload(self, host, target):
        assert type(host) is np.ndarray
        target.view(np.ndarray)[...] = host

    def download(self, source, host):
        assert type(source) is MirrorArray
        host[...] = source.view(np.ndarray)


@pytest.fixture
def mirror(plug):
    """A second device, with kernels for every layer type that needs one."""
    needing = [name for name in TINY if not registry.layers[name].facts.host_only]
    for name in ("InnerProduct", "ReLU", "Split", *needing):
        plug(registry.kernels("mirror"), name, registry.kernels("cpu")[name])
    return MirrorDevice()


@pytest.fixture
def graph():
    """Return a function that makes the graph of a definition on which no pass has run."""
    return lambda text, **options: Graph(load_net(text), Options(**options))


@pytest.fixture
def messages(caplog):
    """Return a function that gives what was logged so far, and forgets it."""
    caplog.set_level(logging.INFO, "caffe")

    def take():
        lines = [record.getMessage() for record in caplog.records if record.name == "caffe"]
        caplog.clear()
        return lines

    return take
