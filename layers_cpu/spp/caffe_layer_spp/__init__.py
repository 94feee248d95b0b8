"""SPP: a vector of one length from images of any size, by spatial pyramid pooling."""

from caffe_core.testing import Case, uniform
from caffe_layer_spp.kernel import SPPKernel
from caffe_layer_spp.layer import SPP

__all__ = ["CASES", "SPP", "SPPKernel"]

CASES = [
    Case("spp_param { pyramid_height: 3 }", bottom=[(2, 3, 9, 10)], note="21 bins a channel"),
    Case("spp_param { pyramid_height: 2 pool: AVE }", bottom=[(2, 3, 7, 6)]),
    Case("spp_param { pyramid_height: 1 }", bottom=[(2, 3, 5, 4)], note="one level: (N, C, 1, 1)"),
    Case("spp_param { pyramid_height: 2 }", bottom=[(2, 2, 5, 6)], phase="TEST"),
    Case(
        "spp_param { pyramid_height: 2 pool: STOCHASTIC }",
        bottom=[uniform((2, 3, 4, 6), 0.1, 1)],
        gradient=False,
    ),
    Case(
        "spp_param { pyramid_height: 2 pool: STOCHASTIC }",
        bottom=[uniform((2, 3, 4, 6), 0.1, 1)],
        phase="TEST",
    ),
]
