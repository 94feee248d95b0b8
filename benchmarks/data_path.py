"""How many images a second come from a database, transformed and ready for CaffeNet."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from caffe_core import Net, Phase, registry
from caffe_core.data import datum
from caffe_core.data.image import resize
from caffe_core.proto import caffe_pb2

SIDE, CROP, BATCH = 256, 227, 64
_NET = """
layer {{
  name: "data" type: "Data" top: "data" top: "label"
  transform_param {{
    crop_size: {crop} mirror: true mean_value: 104 mean_value: 117 mean_value: 123
  }}
  data_param {{ source: "{source}" backend: LMDB batch_size: {batch} }}
}}
"""


def measure(seconds: float, images: int = 4 * BATCH) -> dict[str, float]:
    """Return images a second, for a training net with an LMDB of plain bytes and one of JPEG."""
    kinds: dict[str, Callable[[np.ndarray], bytes]] = {"LMDB, bytes": _plain}
    if importlib.util.find_spec("PIL"):
        kinds["LMDB, JPEG"] = _jpeg
    rates = {}
    for name, encode in kinds.items():
        with TemporaryDirectory() as folder:
            path = str(Path(folder) / "images")
            _write(path, images, encode)
            rates[name] = _rate(path, seconds)
    return rates


def _write(path: str, images: int, encode: Callable[[np.ndarray], bytes]) -> None:
    rng = np.random.default_rng(0)
    with registry.sources["LMDB"].create(path) as writer:
        for index in range(images):
            writer.put(b"%08d" % index, encode(_image(rng)))


def _image(rng: np.random.Generator) -> np.ndarray:
    """Something as smooth as a photograph: noise would take longer to decode."""
    coarse = rng.integers(256, size=(3, SIDE // 16, SIDE // 16), dtype=np.uint8)
    return resize(coarse, SIDE, SIDE)


def _plain(image: np.ndarray) -> bytes:
    return datum.from_array(image).SerializeToString()


def _jpeg(image: np.ndarray) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image.transpose(1, 2, 0)).save(file, "JPEG", quality=90)
    return caffe_pb2.Datum(data=file.getvalue(), encoded=True).SerializeToString()


def _rate(path: str, seconds: float) -> float:
    definition = _NET.format(source=path, crop=CROP, batch=BATCH)
    with Net(definition, Phase.TRAIN, seed=0) as net:
        for _ in range(6):  # more than are made ahead while nobody waits
            net.forward()
        start, batches = perf_counter(), 0
        while perf_counter() - start < seconds:
            net.forward()
            batches += 1
        return BATCH * batches / (perf_counter() - start)
