"""What a BatchNorm is: its parameters, shapes and statistics."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import Blob
from caffe_core.layer import Facts, Layer, Phase


class BatchNorm(Layer):
    """Batch normalisation: gives each channel, axis 1, the mean 0 and the variance 1.

    There is neither scale nor shift; a Scale layer with ``bias_term`` follows where they are
    wanted. A bottom with one axis is one channel.

    Mean and variance are those of the batch, or, with ``use_global_stats``, those stored: the
    default in phase TEST. Each forward with the batch's own adds them to the stored ones, which are
    multiplied by ``moving_average_fraction`` first, in whatever phase.

    Learned blobs, which no solver touches: the sum of the means ``(channels,)``, that of the
    variances ``(channels,)``, unbiased ones, and what to divide both by ``(1,)``.

    Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing
    internal covariate shift", 2015.
    """

    @property
    def positionwise(self) -> bool:
        """Whether the statistics are those stored."""
        return self.use_global_stats

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Create the statistics, as zeros."""
        param = self.param.batch_norm_param
        chosen = param.HasField("use_global_stats")
        self.use_global_stats = param.use_global_stats if chosen else self.phase == Phase.TEST
        self.moving_average_fraction = param.moving_average_fraction
        self.eps = param.eps
        self.channels = _channels(bottom[0])
        for count in (self.channels, self.channels, 1):
            self.add_blob((count,))
        self._freeze()
        # In place the kernel keeps what backward needs, for the layers that follow may overwrite
        # the top as well.
        stands_alone = self.use_global_stats or top[0] is bottom[0]
        self.facts = Facts(
            elementwise=self.use_global_stats,
            inplace=True,
            backward_reads=frozenset() if stands_alone else frozenset({"bottom"}),
        )

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Keep the shape."""
        if _channels(bottom[0]) != self.channels:
            raise self.error(
                f"has statistics of {self.channels} channels, bottom {self.param.bottom[0]!r} "
                f"{bottom[0].shape} has {_channels(bottom[0])}; their number must not change"
            )
        super().reshape(bottom, top)

    def _freeze(self) -> None:
        """Keep solvers away from the statistics."""
        specs = self.param.param
        for index, spec in enumerate(specs):
            if spec.lr_mult != 0:
                raise self.error(
                    f"param {index} has lr_mult {spec.lr_mult:g}, but statistics are not learned; "
                    "set lr_mult to 0, or leave out param"
                )
        for _ in self.blobs[len(specs) :]:
            specs.add(lr_mult=0)


def _channels(blob: Blob) -> int:
    first = blob.axis(0)
    return blob.shape[first + 1] if len(blob.shape) > 1 else 1
