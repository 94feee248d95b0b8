"""Detector: a net that says what windows of an image show, as R-CNN does.

Source: Girshick et al., "Rich feature hierarchies for accurate object detection and semantic
segmentation", 2013.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from caffe.classifier import TEST, image_transformer
from caffe.images import load_image, resize_image
from caffe.net import Net
from caffe_core.errors import CaffeError

_SELECTIVE_SEARCH = "selective_search_ijcv_with_python"


class Detector(Net):
    """A net with one square input for windows of images, which are scaled and cut for it.

    Args:
        model_file: The definition.
        pretrained_file: The weights.
        mean: Subtracted: a number for each channel, or ``(channels, height, width)``.
        input_scale: Factor after that.
        raw_scale: Factor before that: 255 for nets that were trained on pixels from 0 to 255.
        channel_swap: Order of the channels: ``(2, 1, 0)`` for nets that take BGR.
        context_pad: How many pixels of the input, on each side, show what is around a window.
        options: Passed on to `caffe_core.Net`.
    """

    def __init__(
        self,
        model_file: Any,
        pretrained_file: Any,
        mean: Any = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
        context_pad: int | None = None,
        **options: Any,
    ):
        super().__init__(model_file, TEST, weights=pretrained_file, **options)
        self.transformer = image_transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.configure_crop(context_pad)

    def detect_windows(self, images_windows: Iterable[tuple[str, Any]]) -> list[dict[str, Any]]:
        """Return the net's first output for each window.

        Args:
            images_windows: File names of images, each with its windows ``(ymin, xmin, ymax,
                xmax)``.

        Returns:
            For each window a dict of ``window``, ``prediction`` and ``filename``.
        """
        found, crops = [], []
        for filename, windows in images_windows:
            image = load_image(filename)
            for window in np.asarray(windows):
                found.append({"window": window, "filename": filename})
                crops.append(self.crop(image, window))
        if not crops:
            return []
        name = self.inputs[0]
        arrays = np.stack([self.transformer.preprocess(name, each) for each in crops])
        outputs = self.forward_all(**{name: arrays})[self.outputs[0]]
        for each, output in zip(found, outputs, strict=True):
            each["prediction"] = output.squeeze()
        return found

    def detect_selective_search(self, image_fnames: Sequence[str]) -> list[dict[str, Any]]:
        """Return the net's first output for each window that selective search proposes.

        Raises:
            CaffeError: The package ``selective_search_ijcv_with_python``, which needs MATLAB, is
                not installed.
        """
        try:
            search = importlib.import_module(_SELECTIVE_SEARCH)
        except ImportError as error:
            raise CaffeError(
                "selective search needs the package selective_search_ijcv_with_python, which is "
                f"not installed ({error}); find windows otherwise and give them to detect_windows"
            ) from error
        names = [str(Path(name).absolute()) for name in image_fnames]
        return self.detect_windows(
            zip(names, search.get_windows(names, cmd="selective_search_rcnn"), strict=True)
        )

    def configure_crop(self, context_pad: int | None) -> None:
        """Show this many pixels of the input around each window; None or 0 shows none.

        What lies outside an image is filled with the mean, as the image would have it.
        """
        name = self.inputs[0]
        self.context_pad = context_pad or 0
        self.crop_mean: Any = 0.0
        if self.context_pad and name in self.transformer.mean:
            mean = self.transformer.mean[name]
            if name in self.transformer.channel_swap:
                mean = mean[np.argsort(self.transformer.channel_swap[name])]
            mean = mean.transpose(np.argsort(self.transformer.transpose[name]))
            self.crop_mean = mean / self.transformer.raw_scale.get(name, 1)

    def crop(self, im: np.ndarray, window: Any) -> np.ndarray:
        """Cut a window ``(ymin, xmin, ymax, xmax)`` out of an image, with its surroundings.

        Without surroundings it keeps its size; with them it has that of the input.

        Raises:
            CaffeError: The window lies outside the image.
        """
        window = np.asarray(window, float)
        if not self.context_pad:
            top, left, bottom, right = window.astype(int)
            return im[top:bottom, left:right]
        return self._crop_with_context(im, window)

    def _crop_with_context(self, im: np.ndarray, window: np.ndarray) -> np.ndarray:
        size = self.blobs[self.inputs[0]].width
        box = _widened(window, size / (size - 2 * self.context_pad))
        scale = size / (box[2:] - box[:2] + 1)
        pad = np.round(np.maximum(0, -box[:2]) * scale).astype(int)
        clipped = np.clip(box, 0, np.tile(im.shape[:2], 2)).astype(int)
        if (clipped[2:] <= clipped[:2]).any():
            raise CaffeError(f"window {window} lies outside the image of {im.shape[:2]}")
        shown = np.round((clipped[2:] - clipped[:2] + 1) * scale).astype(int)
        shown = np.minimum(shown, size - pad)
        top, left, bottom, right = clipped
        crop: np.ndarray = np.empty((size, size, im.shape[2]), np.float32)
        crop[...] = self.crop_mean
        (row, column), (height, width) = pad, shown
        part = resize_image(im[top:bottom, left:right], shown)
        crop[row : row + height, column : column + width] = part
        return crop


def _widened(window: np.ndarray, scale: float) -> np.ndarray:
    """Return a window made larger around its centre, in whole pixels."""
    half = (window[2:] - window[:2] + 1) / 2
    centre = window[:2] + half
    return np.round(np.concatenate([centre - scale * half, centre + scale * half]))
