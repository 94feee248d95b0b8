"""WindowData: batches of windows of images, to learn to detect objects."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import numpy as np

from caffe_core.blob import Blob
from caffe_core.data.layer import Opener, PrefetchingKernel, PrefetchingLayer
from caffe_layer_window_data.cases import CASES
from caffe_layer_window_data.reader import WindowReader
from caffe_layer_window_data.sampling import CHANNELS, read_sampling
from caffe_layer_window_data.windows import WindowFile

__all__ = ["CASES", "WindowData", "WindowDataKernel"]

logger = logging.getLogger("caffe")


class WindowData(PrefetchingLayer):
    """Draws windows of images at random, background first: ``1 - fg_fraction`` of each batch.

    The window file ``source`` gives each window's class and its overlap with an object: from
    ``fg_threshold`` on it is foreground, below ``bg_threshold`` background, with the label 0.
    A window is resized to a square of ``transform_param.crop_size`` (``crop_mode: "square"`` keeps
    its shape) of which ``context_pad`` pixels on each side show its surroundings, and 0 what is
    beyond the image. The mean is subtracted and the result multiplied by
    ``window_data_param.scale``; as in Caffe, ``transform_param.scale`` does nothing here.

    Tops: windows ``(batch_size, 3, crop_size, crop_size)``, in the order BGR, and labels
    ``(batch_size,)``. A thread makes ``data_param.prefetch`` batches ahead.

    Source: Girshick et al., "Rich feature hierarchies for accurate object detection", 2014.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the window file."""
        param = self.param.window_data_param
        if not param.source:
            raise self.error("source is missing; set window_data_param.source to a window file")
        if param.batch_size == 0:
            raise self.error("batch_size must be at least 1; set window_data_param.batch_size")
        self.ahead = self.param.data_param.prefetch
        self.sampling = read_sampling(self)
        self.file = WindowFile(param.source, param.fg_threshold, param.bg_threshold)
        self._log()
        self._check_kinds()
        side = self.sampling.crop.side
        self.shapes = [(param.batch_size, CHANNELS, side, side), (param.batch_size,)]

    def opener(self) -> Opener:
        """Return what makes the reader in the thread."""
        param = self.param.window_data_param
        return functools.partial(
            _open, self.file, param.root_folder, self.sampling, self.seed, param.cache_images
        )

    def _check_kinds(self) -> None:
        """Check that there is something to draw from."""
        param = self.param.window_data_param
        kinds = [
            ("foreground", self.sampling.foreground, self.file.foreground,
             f"an overlap of fg_threshold {param.fg_threshold:g} or more"),
            ("background", self.sampling.background, self.file.background,
             f"an overlap below bg_threshold {param.bg_threshold:g}"),
        ]  # fmt: skip
        for kind, wanted, found, meaning in kinds:
            if wanted and not len(found):
                raise self.error(
                    f"{param.source!r} has no {kind} windows ({meaning}), each batch takes "
                    f"{wanted}; change the threshold or fg_fraction, or add windows"
                )

    def _log(self) -> None:
        param, file = self.param.window_data_param, self.file
        logger.info("Number of images: %d", len(file.images))
        classes = np.concatenate([file.background, file.foreground])[:, 2]
        for label, count in zip(*np.unique(classes, return_counts=True), strict=True):
            logger.info("class %d has %d samples", label, count)
        logger.info("Amount of context padding: %d", param.context_pad)
        logger.info("Crop mode: %s", param.crop_mode)


@contextmanager
def _open(*args: Any) -> Iterator[WindowReader]:
    with closing(WindowReader(*args)) as reader:
        yield reader


class WindowDataKernel(PrefetchingKernel):
    """WindowData on the host."""
