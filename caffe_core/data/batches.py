"""BatchReader: batch number b of a database, whatever was read before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from caffe_core.data import datum
from caffe_core.data.decoding import DecodingThreads
from caffe_core.data.source import Record, Source
from caffe_core.data.transformer import DataTransformer
from caffe_core.errors import DataError


class BatchReader:
    """Fills arrays with batches of transformed records.

    Batch b starts at record ``start + b * batch_size`` and takes its random numbers from a
    generator seeded by `seed` and b: it does not depend on the batches before it, nor on timing.
    Encoded images are decoded by several threads.

    Args:
        source: Where the records come from; closed by `close`.
        transformer: What is done to each image.
        batch_size: Records in a batch.
        seed: Seed of crops and mirroring.
        start: Number of the first batch's first record.
    """

    def __init__(
        self,
        source: Source,
        transformer: DataTransformer,
        batch_size: int,
        seed: int,
        start: int = 0,
    ):
        self._source, self._transformer = source, transformer
        self._batch_size, self._seed, self._start = batch_size, seed, start
        self._threads = DecodingThreads()

    def __call__(self, number: int, slot: list[np.ndarray]) -> None:
        """Write batch `number` into a slot: an array for the images and perhaps one for the labels.

        A batch of one image may have another shape than the slot; it gets a new array then.

        Raises:
            DataError: A record cannot be used. The message names the database and the record.
        """
        first = self._start + number * self._batch_size
        batch = _Batch(self._source, first, self._source.read(first, self._batch_size))
        datums = batch.each(lambda place: datum.parse(batch.records[place][1]))
        draws = self._transformer.draw(np.random.default_rng((self._seed, number)), len(datums))
        self._write_images(batch, datums, draws, slot)
        if len(slot) > 1:
            slot[1][...] = [each.label for each in datums]

    def close(self) -> None:
        """Release the database and end the decoding threads."""
        self._threads.close()
        self._source.close()

    def _write_images(
        self,
        batch: _Batch,
        datums: Sequence[Any],
        draws: np.ndarray | None,
        slot: list[np.ndarray],
    ) -> None:
        transformer, images = self._transformer, datum.stack(datums)

        def fit(image: np.ndarray) -> None:
            shape = transformer.output_shape(image.shape)
            if shape != slot[0].shape[1:]:
                if len(datums) > 1:
                    raise DataError(_unlike(image.shape, slot[0].shape))
                slot[0] = np.empty((1, *shape), slot[0].dtype)

        def write(place: int) -> None:
            image = (
                datum.to_array(datums[place], transformer.color)
                if images is None
                else images[place]
            )
            fit(image)
            transformer(image, slot[0][place], None if draws is None else draws[place])

        if images is not None and draws is None:
            batch.each(lambda place: fit(images[place]), range(1))
            transformer(images, slot[0])
        else:
            encoded = any(each.encoded for each in datums)
            batch.each(write, run=self._threads.map if encoded else map)


class _Batch:
    """The records of one batch, and what to call them in messages."""

    def __init__(self, source: Source, first: int, records: Sequence[Record]):
        self.records = records
        self._source, self._first = source, first

    def each(
        self,
        do: Callable[[int], Any],
        places: range | None = None,
        *,
        run: Callable[..., Any] = map,
    ) -> list[Any]:
        """Return what `do` makes of each place in the batch; an error names the record there."""

        def named(place: int) -> Any:
            try:
                return do(place)
            except DataError as error:
                index = (self._first + place) % len(self._source)
                raise DataError(
                    f"{self._source.path!r}, record {index} of {len(self._source)} "
                    f"(key {bytes(self.records[place][0])!r}): {error}"
                ) from error

        return list(run(named, range(len(self.records)) if places is None else places))


def _unlike(image: Sequence[int], batch: Sequence[int]) -> str:
    """Say that an image does not fit into the batch."""
    remedy = (
        "set force_color or force_gray"
        if image[0] != batch[1]
        else "set crop_size, resize the images (`caffe convert imageset --resize-height H "
        "--resize-width W`) or set batch_size: 1"
    )
    return (
        f"the image is {tuple(image)} (channels, height, width), the database's first one gives "
        f"{tuple(batch[1:])}; all images of a batch must have one shape: {remedy}"
    )
