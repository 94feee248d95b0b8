"""What an InfogainLoss is: its parameters, its matrix and its shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.labels import check_label_count
from caffe_core.layer import between
from caffe_core.loss import LossLayer
from caffe_core.normalization import normalization_mode
from caffe_core.proto.blob_file import read_blob_file


class InfogainLoss(LossLayer):
    """Minus the sum, over the classes k, of ``H[label, k]`` log(p[k]), p being the softmax.

    Bottoms: scores with K classes along ``axis``; one label, from 0 to K - 1, for each index of the
    other axes; and, unless ``source`` names a ``.binaryproto`` file that holds it, the matrix H of
    K times K numbers. Tops: the loss, and, if asked for, the probabilities. ``loss_param`` says
    which label to ignore and what the sum is divided by.
    """

    bottoms = between(2, 3)
    tops = between(1, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters, and the matrix if it is in a file."""
        param, loss = self.param.infogain_loss_param, self.param.loss_param
        if loss.HasField("normalize"):
            raise self.error("does not know loss_param.normalize; use normalization instead")
        if len(bottom) < 3 and not param.source:
            raise self.error("has no matrix; set infogain_loss_param.source, or give a bottom 2")
        self.axis = bottom[0].axis(param.axis)
        self.ignore = loss.ignore_label if loss.HasField("ignore_label") else None
        self.normalization = normalization_mode(loss)
        self.source = param.source if len(bottom) < 3 else ""
        self.matrix = read_blob_file(self.source).data.astype(self.dtype) if self.source else None

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the loss a single number."""
        check_label_count(self, *bottom[:2], self.axis)
        classes = bottom[0].shape[self.axis]
        matrix = bottom[2] if self.matrix is None else self.matrix
        if math.prod(matrix.shape) != classes**2:
            where = self.source or self.param.bottom[2]
            raise self.error(
                f"the matrix in {where!r} is {matrix.shape}, but bottom {self.param.bottom[0]!r} "
                f"{bottom[0].shape} has {classes} classes along axis {self.axis}; "
                f"give {classes} x {classes} numbers, or set axis"
            )
        super().reshape(bottom, top)
        if len(top) > 1:
            top[1].reshape(bottom[0].shape)
