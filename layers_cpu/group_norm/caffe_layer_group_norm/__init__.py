"""GroupNorm: y = (x - mean) / sqrt(variance + eps), by groups of channels; then scale and shift."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_layer_layer_norm import LayerNormKernel, Seen, add_affine

from caffe_core.blob import Blob
from caffe_core.layer import Facts, Layer
from caffe_core.proto import caffe_pb2
from caffe_core.proto.plugin_message import PluginMessage
from caffe_core.testing import Case


class GroupNorm(Layer):
    """Normalises each of ``groups`` groups of channels of each item to mean 0 and variance 1.

    Channels are axis 1. The variance is the mean of the squares; ``eps`` is added to it. One group
    normalises an item as a whole; as many as there are channels normalise each channel.

    Learned blobs, unless ``affine`` is false: scale and shift ``(channels,)``. The scale starts as
    ``filler`` says, 1 by default, and the shift as ``bias_filler`` says, 0 by default.

    Source: Wu and He, "Group normalization", 2018.
    """

    group_norm_param = PluginMessage(
        groups=32,
        eps=1e-5,
        affine=True,
        filler=caffe_pb2.FillerParameter,
        bias_filler=caffe_pb2.FillerParameter,
    )

    facts = Facts(inplace=True, backward_reads=frozenset({"bottom"}))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Create scale and shift."""
        param = self.group_norm_param
        self.eps, self.groups = param.eps, param.groups
        if len(bottom[0].shape) < 2:
            raise self.error(
                f"needs at least 2 axes, the second for channels; bottom {self.param.bottom[0]!r} "
                f"has shape {bottom[0].shape}; reshape it"
            )
        if self.groups < 1:
            raise self.error(f"groups is {self.groups}; expected at least 1")
        add_affine(self, param, bottom[0].shape[1:2])

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Keep the shape; with scale and shift, the channels must stay as many as there are."""
        num, channels, *_ = bottom[0].shape
        name = f"bottom {self.param.bottom[0]!r} {bottom[0].shape}"
        if channels % self.groups:
            raise self.error(
                f"{name} has {channels} channels, which {self.groups} groups cannot share alike; "
                "set groups to a divisor of the channels"
            )
        if self.blobs and self.blobs[0].count != channels:
            raise self.error(
                f"scale and shift have {self.blobs[0].count} channels, {name} has {channels}; "
                "their number must not change, or set affine: false"
            )
        shape = (num, self.groups, channels // self.groups, bottom[0].span(2))
        self.seen = Seen(shape, items=2, learned=range(1, 3))
        top[0].reshape(bottom[0].shape)


class GroupNormKernel(LayerNormKernel):
    """GroupNorm on arrays seen as ``(N, groups, channels of a group, positions)``."""


CASES = [
    Case("group_norm_param { groups: 2 }", bottom=[(2, 6, 4, 5)]),
    Case("group_norm_param { groups: 1 eps: 0.001 }", bottom=[(2, 3, 4, 5)], note="the whole item"),
    Case("group_norm_param { groups: 3 affine: false }", bottom=[(2, 3, 8)], note="each channel"),
    Case("group_norm_param { groups: 2 }", bottom=[(3, 8)], note="behind an InnerProduct"),
    Case(
        'group_norm_param { groups: 4 filler { value: 0.5 } bias_filler { type: "uniform" } }',
        bottom=[(1, 8, 2, 2, 3)],
        phase="TEST",
    ),
]
