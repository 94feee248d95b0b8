"""Classifier: a net that says what an image shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe.images import Dims, centre_crop, resize_image
from caffe.images import oversample as crops_of
from caffe.io import Transformer
from caffe.net import Net

TEST = 1


class Classifier(Net):
    """A net with one input for images, which are scaled and cut as it needs them.

    Args:
        model_file: The definition.
        pretrained_file: The weights.
        image_dims: Height and width to which images are scaled before they are cut; the input's
            own if not given.
        mean: Subtracted: a number for each channel, or ``(channels, height, width)``.
        input_scale: Factor after that.
        raw_scale: Factor before that: 255 for nets that were trained on pixels from 0 to 255.
        channel_swap: Order of the channels: ``(2, 1, 0)`` for nets that take BGR.
        options: Passed on to `caffe_core.Net`.

    Attributes:
        transformer: What turns images into inputs.
        crop_dims: Height and width of the input.
        image_dims: Height and width to which images are scaled.
    """

    def __init__(
        self,
        model_file: Any,
        pretrained_file: Any,
        image_dims: Dims | None = None,
        mean: Any = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
        **options: Any,
    ):
        super().__init__(model_file, TEST, weights=pretrained_file, **options)
        self.transformer = image_transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.crop_dims = np.array(self.blobs[self.inputs[0]].shape[2:])
        self.image_dims = tuple(self.crop_dims if image_dims is None else image_dims)

    def predict(self, inputs: Sequence[Any], oversample: bool = True) -> np.ndarray:
        """Return the net's first output for each image.

        Args:
            inputs: Images ``(height, width, channels)``, such as `caffe.io.load_image` gives.
            oversample: Whether to take the mean over ten crops; if not, the centre alone counts.

        Returns:
            ``(images, classes)``.
        """
        scaled = np.stack([resize_image(each, self.image_dims) for each in inputs])
        cut = (crops_of if oversample else centre_crop)(scaled, self.crop_dims)
        name = self.inputs[0]
        arrays = np.stack([self.transformer.preprocess(name, each) for each in cut])
        found: np.ndarray = self.forward_all(**{name: arrays})[self.outputs[0]]
        return found.reshape(len(inputs), 10, -1).mean(axis=1) if oversample else found


def image_transformer(
    net: Net,
    mean: Any,
    input_scale: float | None,
    raw_scale: float | None,
    channel_swap: Sequence[int] | None,
) -> Transformer:
    """Return what turns an image into the first input of a net."""
    name = net.inputs[0]
    transformer = Transformer({name: net.blobs[name].shape})
    transformer.set_transpose(name, (2, 0, 1))
    if mean is not None:
        transformer.set_mean(name, mean)
    if input_scale is not None:
        transformer.set_input_scale(name, input_scale)
    if raw_scale is not None:
        transformer.set_raw_scale(name, raw_scale)
    if channel_swap is not None:
        transformer.set_channel_swap(name, channel_swap)
    return transformer
