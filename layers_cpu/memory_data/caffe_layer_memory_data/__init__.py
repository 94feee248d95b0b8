"""MemoryData: batches from arrays that the caller supplies."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.data import datum
from caffe_core.data.transformer import DataTransformer
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, exactly
from caffe_core.testing import Case

log = logging.getLogger("caffe")

_AXES = ("batch_size", "channels", "height", "width")


class MemoryData(Layer):
    """Hands out arrays a batch at a time, again from the start after the end.

    Tops: data ``(batch_size, channels, height, width)`` and labels ``(batch_size, 1, 1, 1)``.
    """

    bottoms = exactly(0)
    tops = exactly(2)
    facts = Facts(backward_reads=frozenset(), host_only=True)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the shape of a batch."""
        self.shape = tuple(getattr(self.param.memory_data_param, axis) for axis in _AXES)
        if 0 in self.shape:
            raise self.error(f"set all of {', '.join(_AXES)} in memory_data_param, to 1 or more")
        self.batch_size = self.shape[0]
        self.data = self.labels = None
        self.position = 0

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops the shape of a batch."""
        top[0].reshape(self.shape)
        top[1].reshape(self.batch_size, 1, 1, 1)

    def set_arrays(self, data: Any, labels: Any) -> None:
        """Take batches from these arrays; ``transform_param`` does not apply to them.

        They are not copied if their element type is the net's.

        Args:
            data: ``(n, channels, height, width)``, n a multiple of the batch size.
            labels: n numbers, of any shape.

        Raises:
            LayerError: A shape does not fit.
        """
        if self.param.HasField("transform_param"):
            log.warning("%s (MemoryData): transform_param does not apply to arrays", self.name)
        self._take(data, labels)

    def _take(self, data: Any, labels: Any) -> None:
        data, labels = np.asarray(data, self.dtype), np.asarray(labels, self.dtype)
        if data.shape[1:] != self.shape[1:] or len(data) == 0 or len(data) % self.batch_size:
            raise self.error(
                f"the data has the shape {data.shape}; expected items of {self.shape[1:]} "
                f"(channels, height, width), a multiple of batch_size {self.batch_size} of them"
            )
        if labels.size != len(data):
            raise self.error(f"there are {labels.size} labels for {len(data)} items; give each one")
        self.data, self.labels = data, labels.reshape(-1, 1, 1, 1)
        self.position = 0

    def add_datums(self, datums: Sequence[Any]) -> None:
        """Take batches from ``Datum`` messages, treated as ``transform_param`` says.

        Raises:
            DataError: A datum cannot be used.
            LayerError: Their number or shape does not fit.
        """
        transformer = DataTransformer(self.param.transform_param, self.phase, self.dtype)
        items = np.empty((len(datums), *self.shape[1:]), self.dtype)
        draws = transformer.draw(self.rng, len(datums))
        for index, message in enumerate(datums):
            image = datum.to_array(message, transformer.color)
            shape = transformer.output_shape(image.shape)
            if shape != self.shape[1:]:
                raise self.error(f"datum {index} gives {shape}, the net takes {self.shape[1:]}")
            transformer(image, items[index], None if draws is None else draws[index])
        self._take(items, [message.label for message in datums])

    def skip(self, batches: int) -> None:
        """Go on as if this many batches had been handed to the net."""
        self.position = batches * self.batch_size

    def state(self) -> dict[str, Any]:
        """Return the position, beside the random numbers."""
        return {**super().state(), "position": self.position}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        super().restore(state)
        self.position = int(state.get("position", self.position))


class MemoryDataKernel(Kernel):
    """Copies the next batch into the tops."""

    formats = ANY_FORMAT

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the tops and advance."""
        layer = self.layer
        if layer.data is None:
            raise layer.error("there is no data yet; call set_arrays(data, labels)")
        start = layer.position % len(layer.data)
        batch = slice(start, start + layer.batch_size)
        top[0].overwrite()[...] = layer.data[batch]
        top[1].overwrite()[...] = layer.labels[batch]
        layer.position += layer.batch_size


CASES = [
    Case(
        "memory_data_param { batch_size: 2 channels: 3 height: 4 width: 5 }",
        bottom=[],
        tops=2,
        ready=lambda layer: layer.set_arrays(np.arange(6 * 60).reshape(6, 3, 4, 5), np.arange(6)),
        note="three batches in turn, from arrays that are set once the net is built",
    ),
]
