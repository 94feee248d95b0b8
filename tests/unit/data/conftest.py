from __future__ import annotations

import gc
import io
import threading

import numpy as np
import pytest
from caffe_data_lmdb import LMDB
from PIL import Image

from caffe_core import registry
from caffe_core.blob import Blob
from caffe_core.data import datum
from caffe_core.layer import Phase
from caffe_core.proto import caffe_pb2, text


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    gc.collect()
    left = set(threading.enumerate()) - before
    assert not left


@pytest.fixture
def write_db(tmp_path):
    """Write a database of datums, keyed 00000000, 00000001, ...; return its path."""

    def write(datums, name="db"):
        path = str(tmp_path / name)
        with LMDB.create(path) as writer:
            for index, each in enumerate(datums):
                value = each if isinstance(each, bytes) else each.SerializeToString()
                writer.put(b"%08d" % index, value)
        return path

    return write


@pytest.fixture
def numbered():
    """Datums (1, 2, 3) whose pixels and label are their number."""

    def make(count, shape=(1, 2, 3)):
        return [datum.from_array(np.full(shape, index, np.uint8), index) for index in range(count)]

    return make


@pytest.fixture
def png():
    """An encoded datum of an RGB or gray array."""

    def make(pixels, label=0, kind="PNG"):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, kind)
        return caffe_pb2.Datum(data=file.getvalue(), label=label, encoded=True)

    return make


class Running:
    """A layer without bottoms, set up, with its kernel."""

    def __init__(self, prototxt, phase=Phase.TRAIN, seed=1, dtype=np.float32):
        param = text.parse(prototxt, caffe_pb2.LayerParameter)
        self.layer = registry.layers[param.type](param, phase, dtype=dtype, seed=seed)
        self.top = [Blob((), dtype) for _ in param.top]
        self.layer.setup([], self.top)
        self.layer.reshape([], self.top)
        self.kernel = registry.kernels("cpu")[param.type](self.layer)
        self.kernel.prepare([], self.top)

    def forward(self):
        self.kernel.forward([], self.top)
        return [blob.data.copy() for blob in self.top]


@pytest.fixture
def run():
    """Make a `Running` layer, closed at the end."""
    made = []

    def make(*args, **options):
        made.append(Running(*args, **options))
        return made[-1]

    yield make
    for each in made:
        each.layer.close()
