"""What the contract suite tries, and examples of use."""

from __future__ import annotations

from caffe_core.testing import Case, uniform

_STORED = [(3,), uniform((3,), 0.5, 2), uniform((1,), 0.5, 2)]

CASES = [
    Case(bottom=[(4, 3, 2, 5)], note="with the statistics of the batch"),
    Case(bottom=[(4, 3, 2, 5)], blobs=_STORED, phase="TEST", note="with those stored"),
    Case(
        "batch_norm_param { moving_average_fraction: 0.9 eps: 0.01 }",
        bottom=[(8, 3)],
        blobs=_STORED,
        note="of vectors",
    ),
    Case("batch_norm_param { use_global_stats: true }", bottom=[(2, 3, 4)], blobs=_STORED),
    Case("batch_norm_param { use_global_stats: false }", bottom=[(2, 3, 4)], phase="TEST"),
    Case("batch_norm_param { moving_average_fraction: 1 }", bottom=[(1, 2, 2, 3, 2)]),
    Case(bottom=[(6,)], note="one axis is one channel"),
]
