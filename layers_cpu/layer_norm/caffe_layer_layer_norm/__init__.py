"""LayerNorm: y = (x - mean) / sqrt(variance + eps), for each item; then scale and shift."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.layer import Facts, Layer
from caffe_core.proto import caffe_pb2
from caffe_core.proto.plugin_message import PluginMessage
from caffe_core.testing import Case
from caffe_layer_layer_norm.affine import add_affine
from caffe_layer_layer_norm.kernel import LayerNormKernel, Seen


class LayerNorm(Layer):
    """Normalises what ``axis`` and the axes after it span to mean 0 and variance 1.

    The variance is the mean of the squares; ``eps`` is added to it.

    Learned blobs, unless ``affine`` is false: scale and shift, with the lengths of the normalised
    axes. The scale starts as ``filler`` says, 1 by default, and the shift as ``bias_filler`` says,
    0 by default.

    Source: Ba et al., "Layer normalization", 2016.
    """

    layer_norm_param = PluginMessage(
        axis=1,
        eps=1e-5,
        affine=True,
        filler=caffe_pb2.FillerParameter,
        bias_filler=caffe_pb2.FillerParameter,
    )

    facts = Facts(inplace=True, backward_reads=frozenset({"bottom"}))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Create scale and shift."""
        param = self.layer_norm_param
        self.eps, self.axis = param.eps, bottom[0].axis(param.axis)
        if self.axis == 0:
            raise self.error(
                f"axis is {param.axis}, the axis of the items in bottom {self.param.bottom[0]!r} "
                f"{bottom[0].shape}; expected one after it, since each item is normalised alone"
            )
        self.normalised = bottom[0].shape[self.axis :]
        add_affine(self, param, self.normalised)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Keep the shape; with scale and shift, the normalised axes must keep their lengths."""
        shape = bottom[0].shape
        if self.blobs and shape[self.axis :] != self.normalised:
            raise self.error(
                f"scale and shift have shape {self.normalised}, bottom {self.param.bottom[0]!r} "
                f"{shape} has {shape[self.axis :]} from axis {self.axis} on; "
                "the bottom's shape must not change there, or set affine: false"
            )
        self.seen = Seen(shape, self.axis, range(self.axis, len(shape)))
        top[0].reshape(shape)


__all__ = ["CASES", "LayerNorm", "LayerNormKernel", "Seen", "add_affine"]

CASES = [
    Case(bottom=[(4, 10)], note="of vectors"),
    Case(bottom=[(2, 3, 4, 5)], note="each image as a whole"),
    Case("layer_norm_param { axis: -1 eps: 0.001 }", bottom=[(2, 3, 8)], note="each word"),
    Case("layer_norm_param { axis: 2 affine: false }", bottom=[(2, 3, 4, 5)]),
    Case('layer_norm_param { filler { type: "uniform" } }', bottom=[(3, 6)], phase="TEST"),
]
