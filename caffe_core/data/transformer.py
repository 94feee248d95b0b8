"""DataTransformer: crop, mirror, mean and scale, as ``transform_param`` says."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_core.data import mean
from caffe_core.errors import DataError
from caffe_core.layer import Phase
from caffe_core.proto import caffe_pb2

Shape = tuple[int, ...]

_MOVED = ("scale", "mean_file", "crop_size", "mirror")


def transform_param(param: Any, older: Any) -> Any:
    """Return a layer's ``transform_param``, with what Caffe's first versions kept elsewhere.

    Args:
        param: ``LayerParameter``.
        older: Its ``data_param``, ``image_data_param`` or ``window_data_param``.
    """
    found = caffe_pb2.TransformationParameter()
    found.CopyFrom(param.transform_param)
    for field in _MOVED:
        if older.HasField(field) and not found.HasField(field):
            setattr(found, field, getattr(older, field))
    return found


class DataTransformer:
    """Turns images into what a net takes: ``(pixel - mean) * scale``, cropped and mirrored.

    A crop is at a random place for TRAIN and in the centre for TEST; an image is mirrored, if
    ``mirror`` is set, every other time at random, whatever the phase.

    Attributes:
        color: What to make of encoded images: True for ``force_color``, False for ``force_gray``,
            None to keep their channels.
        random: Whether images are treated differently at random.

    Args:
        param: ``TransformationParameter``.
        phase: What the net is built for.
        dtype: Element type of the net.

    Raises:
        DataError: The parameters contradict each other, or the mean file cannot be read.
    """

    def __init__(self, param: Any, phase: Phase, dtype: Any = np.float32):
        if param.force_color and param.force_gray:
            raise DataError("force_color and force_gray exclude each other; set one of them")
        if param.HasField("mean_file") and param.mean_value:
            raise DataError("mean_file and mean_value exclude each other; set one of them")
        self.color = True if param.force_color else False if param.force_gray else None
        self.crop = param.crop_size
        self.mirror = param.mirror
        self.random_crop = bool(self.crop) and phase is Phase.TRAIN
        self.random = self.mirror or self.random_crop
        self.scale = np.dtype(dtype).type(param.scale)
        self.mean_file = param.mean_file
        self.mean: np.ndarray | None = None
        if param.HasField("mean_file"):
            self.mean = mean.read(param.mean_file).astype(dtype)
        elif param.mean_value:
            self.mean = np.array(param.mean_value, dtype).reshape(-1, 1, 1)
        self._checked: Shape = ()

    def output_shape(self, shape: Shape) -> Shape:
        """Return what becomes of an image's shape ``(channels, height, width)``.

        Raises:
            DataError: The mean or the crop does not fit an image of that shape.
        """
        if shape != self._checked:
            self._check(shape)
            self._checked = shape
        return (shape[0], self.crop, self.crop) if self.crop else shape

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray | None:
        """Return the random numbers for `count` images, a row for each; None if none are needed."""
        return rng.random((count, 3)) if self.random else None

    def __call__(self, images: np.ndarray, out: np.ndarray, draw: Any = None) -> None:
        """Transform an image, or many in the same way.

        Args:
            images: ``(..., channels, height, width)``.
            out: Where the result goes, in its `output_shape`.
            draw: The images' row of what `draw` returned.
        """
        height, width = images.shape[-2:]
        if self.crop:
            down, across = self._corner(height, draw, 0), self._corner(width, draw, 1)
            window = (..., slice(down, down + self.crop), slice(across, across + self.crop))
        else:
            window = (..., slice(None), slice(None))
        if self.mirror and draw[2] < 0.5:
            out = out[..., ::-1]
        if self.mean is None:
            np.multiply(images[window], self.scale, out=out)
            return
        whole = self.mean.shape[-2:] == (height, width)
        np.subtract(images[window], self.mean[window] if whole else self.mean, out=out)
        if self.scale != 1:
            np.multiply(out, self.scale, out=out)

    def _corner(self, size: int, draw: Any, which: int) -> int:
        """Where the crop begins along an axis of this size."""
        room = size - self.crop
        return int(draw[which] * (room + 1)) if self.random_crop else room // 2

    def _check(self, shape: Shape) -> None:
        channels, height, width = shape
        if self.crop > min(height, width):
            raise DataError(
                f"crop_size is {self.crop}, the image is {height} x {width} (height x width); "
                "choose a crop_size that fits into every image"
            )
        if self.mean is None:
            return
        if self.mean_file and self.mean.shape != shape:
            raise DataError(
                f"mean_file {self.mean_file!r} is for images {self.mean.shape}, this is one of "
                f"{shape} (channels, height, width); make one that fits with `caffe convert mean`"
            )
        if not self.mean_file and len(self.mean) not in (1, channels):
            raise DataError(
                f"there are {len(self.mean)} mean_value, the image has {channels} channels; "
                "set one for all channels or one for each"
            )
