"""Data: batches of images and labels from a database."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

from caffe_core.blob import Blob
from caffe_core.data import datum
from caffe_core.data.batches import BatchReader
from caffe_core.data.layer import Opener, PrefetchingKernel, PrefetchingLayer
from caffe_core.data.source import open_source
from caffe_core.data.transformer import DataTransformer, transform_param
from caffe_core.proto import caffe_pb2
from caffe_layer_data.cases import CASES

__all__ = ["CASES", "Data", "DataKernel"]


class Data(PrefetchingLayer):
    """Reads records in the order of their keys, again from the first one after the last.

    Tops: images ``(batch_size, channels, height, width)`` and, if asked for, labels
    ``(batch_size,)``. A thread reads, decodes and transforms ``prefetch`` batches ahead.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Find the shapes by reading the first record."""
        param = self.param.data_param
        if not param.source:
            raise self.error("source is missing; set data_param.source to the path of a database")
        if param.batch_size == 0:
            raise self.error("batch_size must be at least 1; set data_param.batch_size")
        self.backend = caffe_pb2.DataParameter.DB.Name(param.backend)
        self.path, self.batch_size, self.ahead = param.source, param.batch_size, param.prefetch
        # rand_skip keeps asynchronous workers from starting at the same record.
        self.skipped = int(self.rng.random() * param.rand_skip)
        self.transformer = DataTransformer(self._transform_param(), self.phase, self.dtype)
        image = self.transformer.output_shape(self._first_image())
        self.shapes = [(self.batch_size, *image), (self.batch_size,)]
        if self.batch_size == 1 and not self.transformer.crop:
            self.facts = replace(self.facts, dynamic=True)  # images may differ in size

    def opener(self) -> Opener:
        """Return what opens the database in the thread."""
        return functools.partial(
            _open,
            self.backend,
            self.path,
            self.transformer,
            self.batch_size,
            self.seed,
            self.skipped,
        )

    def state(self) -> dict[str, Any]:
        """Return the cursor, the seed and how many records were skipped at the start."""
        return {**super().state(), "skipped": self.skipped}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.skipped = int(state.get("skipped", self.skipped))
        super().restore(state)

    def _transform_param(self) -> Any:
        param = transform_param(self.param, self.param.data_param)
        param.force_color |= self.param.data_param.force_encoded_color
        return param

    def _first_image(self) -> tuple[int, ...]:
        """Return the shape of the database's first image."""
        with closing(open_source(self.backend, self.path)) as source:
            first = datum.parse(source.read(0, 1)[0][1])
            image = datum.to_array(first, self.transformer.color)
        if self.transformer.color is not None and not first.encoded:
            logging.getLogger("caffe").warning(
                "%s (Data): force_color and force_gray do nothing to %r: its images are not files",
                self.name,
                self.path,
            )
        return image.shape


@contextmanager
def _open(
    backend: str, path: str, transformer: DataTransformer, batch_size: int, seed: int, start: int
) -> Iterator[BatchReader]:
    source = open_source(backend, path)
    with closing(BatchReader(source, transformer, batch_size, seed, start)) as reader:
        yield reader


class DataKernel(PrefetchingKernel):
    """Data on the host."""
