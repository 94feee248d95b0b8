"""What the contract suite tries, and examples of use."""

from __future__ import annotations

from caffe_core.testing import Case

CASES = [
    Case("convolution_param { num_output: 4 kernel_size: 3 }", bottom=[(2, 3, 7, 6)]),
    Case(
        "convolution_param { num_output: 4 kernel_size: 3 stride: 2 pad: 1 group: 2 }",
        bottom=[(17, 4, 5, 6)],
        note="two groups",
    ),
    Case(
        "convolution_param { num_output: 3 kernel_h: 3 kernel_w: 2 pad_h: 2 pad_w: 0 "
        "stride_h: 1 stride_w: 2 dilation: 2 dilation: 1 bias_term: false }",
        bottom=[(1, 2, 5, 6)],
        note="not square, no bias",
    ),
    Case("convolution_param { num_output: 5 kernel_size: 1 }", bottom=[(2, 3, 6, 6)]),
    Case("convolution_param { num_output: 5 kernel_size: 1 }", bottom=[(6, 3, 2, 2)]),
    Case(
        "convolution_param { num_output: 6 kernel_size: 3 pad: 1 group: 3 }",
        bottom=[(2, 3, 5, 5), (2, 3, 5, 5)],
        note="depthwise, two filters a channel, two bottoms",
    ),
    Case(
        "convolution_param { num_output: 4 kernel_size: 1 group: 4 }",
        bottom=[(2, 4, 6, 6)],
        note="one factor for each channel",
    ),
    Case(
        "convolution_param { num_output: 4 kernel_size: 3 pad: 1 axis: 2 }", bottom=[(2, 2, 3, 8)]
    ),
    Case(
        "convolution_param { num_output: 4 kernel_size: 2 }", bottom=[(2, 3, 3, 4, 3)], note="3-D"
    ),
    Case(
        "convolution_param { num_output: 4 kernel_size: 1 axis: -1 }", bottom=[(5, 3)], note="0-D"
    ),
    Case(
        "convolution_param { num_output: 2 kernel_size: 4 stride: 3 }",
        bottom=[(5, 2, 3, 7)],
        note="a kernel that overhangs by less than a stride",
    ),
]
