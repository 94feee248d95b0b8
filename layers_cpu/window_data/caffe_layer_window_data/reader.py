"""WindowReader: batch number b of windows drawn at random, whatever was read before."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_core.data import image
from caffe_core.data.decoding import DecodingThreads
from caffe_core.data.image_file import decode_file, read_bytes, read_image
from caffe_core.errors import DataError
from caffe_layer_window_data.placement import place
from caffe_layer_window_data.sampling import Sampling
from caffe_layer_window_data.windows import Window, WindowFile


class WindowReader:
    """Fills arrays with batches of windows and their labels.

    Which windows a batch has depends on the seed and on its number alone.

    Args:
        file: The windows.
        root: What stands before the path of each image.
        sampling: Which windows to take and what to do to them.
        seed: Seed of what is random.
        cache: Keep the content of every image file that was read.
    """

    def __init__(self, file: WindowFile, root: str, sampling: Sampling, seed: int, cache: bool):
        self._file, self._root, self._sampling, self._seed = file, root, sampling, seed
        self._cache: dict[str, bytes] | None = {} if cache else None
        self._threads = DecodingThreads()

    def __call__(self, number: int, slot: list[np.ndarray]) -> None:
        """Write batch `number` into a slot: an array for the windows and perhaps one for labels.

        Raises:
            DataError: A window cannot be used. The message names the window file and the line.
        """
        rng = np.random.default_rng((self._seed, number))
        windows = [
            *self._draw(rng, self._file.background, self._sampling.background),
            *self._draw(rng, self._file.foreground, self._sampling.foreground),
        ]
        mirrored = rng.random(len(windows)) < 0.5 * self._sampling.mirror
        slot[0].fill(0)

        def write(index: int) -> None:
            self._write(windows[index], mirrored[index], slot[0][index])

        self._threads.map(write, range(len(windows)))
        if len(slot) > 1:
            slot[1][...] = [window.label for window in windows]

    def close(self) -> None:
        """End the decoding threads."""
        self._threads.close()

    def _draw(self, rng: np.random.Generator, windows: Any, count: int) -> list[Window]:
        picked = rng.integers(len(windows), size=count) if count else []
        return [Window(*windows[index].tolist()) for index in picked]

    def _write(self, window: Window, mirror: bool, out: np.ndarray) -> None:
        """Write a window into its square."""
        try:
            pixels = self._read(self._root + self._file.images[window.image])
            size = pixels.shape[2], pixels.shape[1]
            placement = place(window[-4:], size, self._sampling.crop, mirror)
        except DataError as error:
            raise self._file.error(window.line, error) from error
        (x1, y1), (x2, y2) = placement.begin, placement.end
        (left, top), (width, height) = placement.pad, placement.size
        if width < 1 or height < 1:
            return
        part = image.resize(pixels[:, y1:y2, x1:x2], height, width)
        self._transform(part[..., ::-1] if mirror else part, out, top, left)

    def _transform(self, part: np.ndarray, out: np.ndarray, top: int, left: int) -> None:
        """Subtract the mean that belongs to where the part goes, and scale."""
        where = ..., slice(top, top + part.shape[1]), slice(left, left + part.shape[2])
        mean = self._sampling.mean
        if mean is not None:
            part = part - (mean if mean.shape[-1] == 1 else mean[where])
        np.multiply(part, out.dtype.type(self._sampling.scale), out=out[where])

    def _read(self, path: str) -> np.ndarray:
        """Return an image in color, ``(3, height, width)``."""
        if self._cache is None:
            return read_image(path, color=True)
        if path not in self._cache:
            self._cache[path] = read_bytes(path)
        return decode_file(path, self._cache[path], color=True)
