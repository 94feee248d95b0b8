"""Embed: rows of a learned table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import Blob
from caffe_core.indices import Indices
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.rows import add_rows
from caffe_core.testing import Case, labels


class Embed(Layer):
    """Replaces each index in the bottom by a learned vector: InnerProduct of one-hot vectors.

    Indices are from 0 to ``input_dim - 1``. The top has the bottom's shape and one more axis, of
    length ``num_output``. Indices get no gradient.

    Learned blobs: the table ``(input_dim, num_output)`` and the bias ``(num_output,)``, which is
    added to each vector unless ``bias_term`` is false.
    """

    facts = Facts(backward_reads=frozenset())

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Create the table and the bias."""
        param = self.param.embed_param
        self.inputs, self.outputs = param.input_dim, param.num_output
        if 0 in (self.inputs, self.outputs):
            raise self.error(
                "input_dim and num_output must be at least 1, they are "
                f"{self.inputs} and {self.outputs}; set both in embed_param"
            )
        self.add_blob((self.inputs, self.outputs), param.weight_filler)
        if param.bias_term:
            self.add_blob((self.outputs,), param.bias_filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Append an axis for the vectors."""
        top[0].reshape(*bottom[0].shape, self.outputs)

    def allow_force_backward(self, bottom_index: int) -> bool:
        """Indices get no gradient."""
        return False

    def refuse_gradients(self, propagate_down: Sequence[bool]) -> None:
        """Raise a LayerError if the indices are asked for a gradient."""
        if propagate_down[0]:
            raise self.error(
                f"bottom {self.param.bottom[0]!r} is asked for a gradient, but indices have none; "
                "set propagate_down: false"
            )


class EmbedKernel(Kernel):
    """Embed on rows. Backward uses the indices of the last forward."""

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the indices."""
        self.indices = Indices(
            self.layer,
            0,
            count=bottom[0].count,
            limit=self.layer.inputs,
            things="rows of the table",
            remedy="correct the index, or raise input_dim",
        )

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the top."""
        y, picked = self._vectors(top[0].data), self.indices.read(bottom[0])
        self.xp.take(self.blobs[0].data, picked, axis=0, out=y, mode="clip")
        if len(self.blobs) > 1:
            y += self.blobs[1].data

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Add to the diffs of table and bias."""
        self.layer.refuse_gradients(propagate_down)
        dy, wanted = self._vectors(top[0].diff), self.layer.param_propagate_down
        if wanted[0]:
            add_rows(self.blobs[0].diff, self.indices.values, dy, self.workspace)
        if len(self.blobs) > 1 and wanted[1]:
            total = self.workspace.array(self.blobs[1].shape, dy.dtype)
            self.blobs[1].diff[...] += self.xp.add.reduce(dy, axis=0, out=total)

    def _vectors(self, array: Any) -> Any:
        """An array of the top as one row for each index."""
        return array.reshape(self.indices.values.size, self.layer.outputs)


CASES = [
    Case("embed_param { input_dim: 5 num_output: 3 }", bottom=[labels((4,), 5)]),
    Case(
        "embed_param { input_dim: 4 num_output: 2 bias_term: false }",
        bottom=[labels((3, 5), 4)],
        note="words that come again",
    ),
    Case("embed_param { input_dim: 1 num_output: 3 }", bottom=[labels((2, 1, 2), 1)]),
]
