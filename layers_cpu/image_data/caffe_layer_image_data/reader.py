"""ImageReader: batch number b of a list of images, whatever was read before."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from caffe_core.data import image
from caffe_core.data.decoding import DecodingThreads
from caffe_core.data.image_file import read_image
from caffe_core.data.image_list import ListedImage, read_list
from caffe_core.data.transformer import DataTransformer
from caffe_core.errors import DataError


class ImageList:
    """A list of images, each read from its own file.

    Args:
        source: Path of the list.
        root: What stands before each name in it.
        color: Whether all images have three channels; else they have one.
        size: ``(height, width)`` to resize them to; None leaves them as they are.

    Raises:
        DataError: The list cannot be used.
    """

    def __init__(self, source: str, root: str, color: bool, size: tuple[int, int] | None):
        self.source, self.color, self.size = source, color, size
        self._root = root
        self.lines = read_list(source)

    def __len__(self) -> int:
        return len(self.lines)

    def read(self, line: ListedImage) -> np.ndarray:
        """Return the pixels of an image, ``(channels, height, width)``.

        Raises:
            DataError: It cannot be read. The message names list and line.
        """
        try:
            pixels = read_image(self._root + line.name, self.color)
        except DataError as error:
            raise self.error(line, error) from error
        return image.resize(pixels, *self.size) if self.size else pixels

    def error(self, line: ListedImage, problem: object) -> DataError:
        """Return an error about a line, to be raised."""
        return DataError(f"{self.source}:{line.line}: {problem}")


class ImageReader:
    """Fills arrays with batches of transformed images and their labels.

    Which images a batch has, and its random numbers, depend on its number alone.

    Args:
        images: The list.
        transformer: What is done to each image.
        batch_size: Images in a batch.
        seed: Seed of the order, of crops and of mirroring.
        shuffle: Take the images in a random order, another one in each lap through the list.
        start: How many images are passed over before the first batch.
    """

    def __init__(
        self,
        images: ImageList,
        transformer: DataTransformer,
        batch_size: int,
        seed: int,
        *,
        shuffle: bool = False,
        start: int = 0,
    ):
        self._images, self._transformer = images, transformer
        self._batch_size, self._seed, self._start = batch_size, seed, start
        self._shuffle = shuffle
        self._threads = DecodingThreads()
        self._order = functools.lru_cache(maxsize=1)(self._find_order)

    def __call__(self, number: int, slot: list[np.ndarray]) -> None:
        """Write batch `number` into a slot: an array for the images and perhaps one for the labels.

        A batch of one image may have another shape than the slot; it gets a new array then.

        Raises:
            DataError: An image cannot be used. The message names list and line.
        """
        lines = list(self._lines(self._start + number * self._batch_size))
        draws = self._transformer.draw(np.random.default_rng((self._seed, number)), len(lines))

        def write(place: int) -> None:
            self._write(lines[place], slot, place, None if draws is None else draws[place])

        self._threads.map(write, range(len(lines)))
        if len(slot) > 1:
            slot[1][...] = [line.label for line in lines]

    def close(self) -> None:
        """End the decoding threads."""
        self._threads.close()

    def _lines(self, first: int) -> Iterator[ListedImage]:
        """The lines of a batch, from the `first` on, which counts on from lap to lap."""
        for place in range(first, first + self._batch_size):
            lap, index = divmod(place, len(self._images))
            yield self._images.lines[self._order(lap)[index] if self._shuffle else index]

    def _find_order(self, lap: int) -> Any:
        """Return the order of the images in a lap through the list."""
        # The third number sets a lap's seed apart from those of the batches.
        rng = np.random.default_rng((self._seed, lap, len(self._images)))
        return rng.permutation(len(self._images))

    def _write(self, line: ListedImage, slot: list[np.ndarray], place: int, draw: Any) -> None:
        """Write the image of a line into its place of a batch."""
        pixels = self._images.read(line)
        try:
            shape = self._transformer.output_shape(pixels.shape)
        except DataError as error:
            raise self._images.error(line, f"{line.name!r}: {error}") from error
        if shape != slot[0].shape[1:]:
            if self._batch_size > 1:
                raise self._images.error(line, _unlike(line.name, pixels.shape, slot[0].shape))
            slot[0] = np.empty((1, *shape), slot[0].dtype)
        self._transformer(pixels, slot[0][place], draw)


def _unlike(name: str, image: Sequence[int], batch: Sequence[int]) -> str:
    """Say that an image does not fit into the batch."""
    return (
        f"{name!r} is {tuple(image)} (channels, height, width), the list's first image gives "
        f"{tuple(batch[1:])}; all images of a batch must have one shape: set new_height and "
        "new_width, crop_size, or batch_size: 1"
    )
