"""ImageData: batches of images and labels from files that a list names."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

from caffe_core.blob import Blob
from caffe_core.data.layer import Opener, PrefetchingKernel, PrefetchingLayer
from caffe_core.data.transformer import DataTransformer, transform_param
from caffe_layer_image_data.cases import CASES
from caffe_layer_image_data.reader import ImageList, ImageReader

__all__ = ["CASES", "ImageData", "ImageDataKernel"]

logger = logging.getLogger("caffe")


class ImageData(PrefetchingLayer):
    """Reads the images that a list names, again from the first one after the last.

    The list ``source`` has a line ``NAME LABEL`` for each image; ``root_folder`` is put before each
    name. Images are made ``new_height`` x ``new_width``, if these are set, then transformed. With
    ``shuffle`` they come in another random order each time.

    Tops: images ``(batch_size, channels, height, width)``, in the order BGR or gray if ``is_color``
    is false, and labels ``(batch_size,)``. A thread makes ``data_param.prefetch`` batches ahead.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the list, and find the shapes by reading its first image."""
        param = self.param.image_data_param
        if not param.source:
            raise self.error("source is missing; set image_data_param.source to a list of images")
        if param.batch_size == 0:
            raise self.error("batch_size must be at least 1; set image_data_param.batch_size")
        self.batch_size, self.ahead = param.batch_size, self.param.data_param.prefetch
        self.shuffle = param.shuffle
        self.images = ImageList(param.source, param.root_folder, param.is_color, self._size())
        logger.info("A total of %d images.", len(self.images))
        self.skipped = self._draw_skipped()
        parameters = transform_param(self.param, param)
        self.transformer = DataTransformer(parameters, self.phase, self.dtype)
        self.shapes = [(self.batch_size, *self._first_shape()), (self.batch_size,)]
        if self.batch_size == 1 and not (self.transformer.crop or self.images.size):
            self.facts = replace(self.facts, dynamic=True)  # images may differ in size

    def opener(self) -> Opener:
        """Return what makes the reader in the thread."""
        return functools.partial(
            _open,
            self.images,
            self.transformer,
            self.batch_size,
            self.seed,
            shuffle=self.shuffle,
            start=self.skipped,
        )

    def state(self) -> dict[str, Any]:
        """Return the cursor, the seed and how many images were skipped at the start."""
        return {**super().state(), "skipped": self.skipped}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.skipped = int(state.get("skipped", self.skipped))
        super().restore(state)

    def _size(self) -> tuple[int, int] | None:
        param = self.param.image_data_param
        size = param.new_height, param.new_width
        if (size[0] == 0) != (size[1] == 0):
            raise self.error(
                f"new_height is {size[0]} and new_width is {size[1]}; set both of them, or neither"
            )
        return size if all(size) else None

    def _draw_skipped(self) -> int:
        """Draw how many images to pass over, so that workers do not start at the same one."""
        skipped = int(self.rng.random() * self.param.image_data_param.rand_skip)
        if skipped:
            logger.info("Skipping first %d data points.", skipped)
        return skipped

    def _first_shape(self) -> tuple[int, ...]:
        first = self.images.lines[self.skipped % len(self.images)]
        pixels = self.images.read(first)
        return self.transformer.output_shape(pixels.shape)


@contextmanager
def _open(*args: Any, **options: Any) -> Iterator[ImageReader]:
    with closing(ImageReader(*args, **options)) as reader:
        yield reader


class ImageDataKernel(PrefetchingKernel):
    """ImageData on the host."""
