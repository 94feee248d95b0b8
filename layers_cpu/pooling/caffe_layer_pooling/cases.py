"""What the contract suite tries, and examples of use."""

from __future__ import annotations

from caffe_core.testing import Case, uniform

CASES = [
    Case("pooling_param { kernel_size: 2 stride: 2 }", bottom=[(2, 3, 6, 8)]),
    Case("pooling_param { kernel_size: 3 stride: 2 }", bottom=[(2, 3, 6, 7)], note="rounds up"),
    Case("pooling_param { kernel_size: 3 pad: 1 }", bottom=[(2, 2, 4, 5)], note="overlapping"),
    Case(
        "pooling_param { kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 3 pad_h: 2 pad_w: 0 }",
        bottom=[(2, 2, 5, 7)],
        note="not square",
    ),
    Case(
        "pooling_param { kernel_size: 3 stride: 2 round_mode: FLOOR }",
        bottom=[(2, 2, 6, 8)],
        tops=2,
        ignored_tops=[1],
        note="with a mask",
    ),
    Case("pooling_param { kernel_size: 2 stride: 2 }", bottom=[(2, 3, 5, 5)], phase="TEST"),
    Case("pooling_param { global_pooling: true }", bottom=[(2, 3, 4, 5)]),
    Case("pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }", bottom=[(2, 3, 6, 7)]),
    Case(
        "pooling_param { pool: AVE kernel_size: 2 stride: 4 }",
        bottom=[(2, 3, 8, 9)],
        note="a last column that no window sees, and windows that see nothing",
    ),
    Case("pooling_param { pool: AVE global_pooling: true }", bottom=[(2, 3, 4, 5)], phase="TEST"),
    Case(
        "pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }",
        bottom=[uniform((2, 3, 6, 7), 0.1, 1)],
        gradient=False,
        note="draws",
    ),
    Case(
        "pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }",
        bottom=[uniform((2, 3, 6, 7), 0.1, 1)],
        phase="TEST",
        note="expectation",
    ),
]
