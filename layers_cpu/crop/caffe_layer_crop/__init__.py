"""Crop: a part of a bottom, as large as another."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, exactly
from caffe_core.testing import Case


class Crop(Layer):
    """Cuts bottom 0 to the lengths of bottom 1 along ``axis`` and all axes after it.

    What is kept begins at ``offset``: one for each cropped axis, or one for all of them; 0 if none
    is given. Of bottom 1 only the shape matters; its gradient is 0.
    """

    bottoms = exactly(2)
    facts = Facts(backward_reads=frozenset())

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the axis and the offsets."""
        param = self.param.crop_param
        self.axis = bottom[0].axis(param.axis)
        cropped = len(bottom[0].shape) - self.axis
        offsets = list(param.offset) or [0]
        if len(offsets) not in (1, cropped):
            raise self.error(
                f"offset is given {len(offsets)} times, expected once, or once for each of the "
                f"{cropped} axes from axis {self.axis} on"
            )
        self.offsets = offsets * cropped if len(offsets) == 1 else offsets

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Keep the axes before ``axis``, and see that the rest lies within bottom 0."""
        shape, wanted = bottom[0].shape, bottom[1].shape
        names = self.param.bottom
        if len(wanted) < len(shape):
            raise self.error(
                f"bottom {names[1]!r} {wanted} must have a length for each of the {len(shape)} "
                f"axes of bottom {names[0]!r} {shape}; reshape one of them"
            )
        lengths = wanted[self.axis : len(shape)]
        self.part = (slice(None),) * self.axis + tuple(
            slice(offset, offset + length)
            for offset, length in zip(self.offsets, lengths, strict=True)
        )
        for axis in range(self.axis, len(shape)):
            if self.part[axis].stop > shape[axis]:
                raise self.error(
                    f"along axis {axis}, {self.part[axis].start} to {self.part[axis].stop} of "
                    f"bottom {names[0]!r} {shape} is asked for by bottom {names[1]!r} {wanted}; "
                    "lower the offset, or make the bottom larger"
                )
        top[0].reshape(*shape[: self.axis], *lengths)


class CropKernel(Kernel):
    """Crop as a copy of a view."""

    formats = ANY_FORMAT

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        top[0].overwrite()[...] = bottom[0].read()[self.layer.part]

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diff of bottom 0: 0 outside of what was kept."""
        for below, wanted in zip(bottom, propagate_down, strict=True):
            if wanted:
                below.overwrite_diff().fill(0)
        if propagate_down[0]:
            bottom[0].diff[self.layer.part] = top[0].read_diff()


CASES = [
    Case(bottom=[(2, 3, 6, 5), (2, 3, 4, 3)], note="height and width"),
    Case("crop_param { offset: 1 }", bottom=[(2, 3, 6, 5), (1, 1, 4, 3)]),
    Case(
        "crop_param { axis: 1 offset: 0 offset: 2 offset: 1 }",
        bottom=[(2, 5, 6, 5), (2, 3, 4, 3)],
        note="channels too",
    ),
    Case("crop_param { axis: -1 offset: 2 }", bottom=[(2, 3, 6), (4, 5, 3)]),
]
