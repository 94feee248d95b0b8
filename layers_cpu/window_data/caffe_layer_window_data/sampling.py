"""Sampling: what ``window_data_param`` and ``transform_param`` say."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from caffe_core.data.transformer import DataTransformer, transform_param
from caffe_core.errors import did_you_mean
from caffe_core.layer import Layer
from caffe_layer_window_data.placement import Crop

logger = logging.getLogger("caffe")

CHANNELS = 3  # images are read in color, whatever the window file says
_CROP_MODES = ("warp", "square")


@dataclass(frozen=True)
class Sampling:
    """How many windows of each kind a batch has, and what is done to them.

    Attributes:
        background: Background windows; these come first.
        foreground: Foreground windows.
        crop: How they become squares.
        mirror: Whether every other one is mirrored, at random.
        mean: What is subtracted: ``(3, side, side)`` or ``(3, 1, 1)``; None for nothing.
        scale: What they are multiplied by then.
    """

    background: int
    foreground: int
    crop: Crop
    mirror: bool
    mean: np.ndarray | None
    scale: float


def read_sampling(layer: Layer) -> Sampling:
    """Return what the parameters of a layer say.

    Raises:
        CaffeError: They contradict each other or the mean file.
    """
    param = layer.param.window_data_param
    if layer.param.transform_param.HasField("scale"):
        logger.warning(
            "%s (WindowData): transform_param.scale does nothing; set window_data_param.scale",
            layer.name,
        )
    transformer = DataTransformer(transform_param(layer.param, param), layer.phase, layer.dtype)
    crop = _crop(layer, transformer.crop)
    foreground = int(np.float32(param.batch_size) * np.float32(param.fg_fraction))
    return Sampling(
        background=param.batch_size - foreground,
        foreground=foreground,
        crop=crop,
        mirror=transformer.mirror,
        mean=_mean(layer, transformer, crop.side),
        scale=param.scale,
    )


def _crop(layer: Layer, side: int) -> Crop:
    param = layer.param.window_data_param
    if side <= 2 * param.context_pad:
        raise layer.error(
            f"crop_size is {side}, context_pad is {param.context_pad} on each side; set "
            "transform_param.crop_size so that there is room for the window between"
        )
    if param.crop_mode not in _CROP_MODES:
        raise layer.error(
            f"crop_mode is {param.crop_mode!r}, expected {' or '.join(map(repr, _CROP_MODES))}."
            f"{did_you_mean(param.crop_mode, _CROP_MODES)}"
        )
    return Crop(side, param.context_pad, param.crop_mode == "square")


def _mean(layer: Layer, transformer: DataTransformer, side: int) -> np.ndarray | None:
    """Return the mean of each channel, or the part of a mean image that squares cover."""
    mean = transformer.mean
    if mean is None:
        return None
    if not transformer.mean_file:
        if len(mean) not in (1, CHANNELS):
            raise layer.error(
                f"there are {len(mean)} mean_value, images have {CHANNELS} channels; "
                "set one for all channels or one for each"
            )
        return mean
    begin = (mean.shape[2] - side) // 2  # Caffe takes it for rows, too
    if len(mean) != CHANNELS or begin < 0 or mean.shape[1] < begin + side:
        raise layer.error(
            f"mean_file {transformer.mean_file!r} is {mean.shape} (channels, height, width), "
            f"expected {CHANNELS} channels and a square of {side} in the middle; lower "
            "crop_size, or take another mean"
        )
    return mean[:, begin : begin + side, begin : begin + side]
