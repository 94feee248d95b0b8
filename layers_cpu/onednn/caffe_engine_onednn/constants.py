"""The numbers of libdnnl's C API that are used here."""

from __future__ import annotations

from enum import IntEnum


class Type(IntEnum):
    """Element types."""

    BF16 = 2
    F32 = 3


class Prop(IntEnum):
    """What a primitive is for."""

    TRAINING = 64
    INFERENCE = 96
    BACKWARD = 128
    BACKWARD_DATA = 160


class Alg(IntEnum):
    """Algorithms."""

    CONVOLUTION_DIRECT = 1
    DECONVOLUTION_DIRECT = 10
    RELU = 32
    TANH = 33
    ELU = 34
    ABS = 36
    LINEAR = 38
    LOGISTIC = 41
    RELU_FROM_TOP = 256
    TANH_FROM_TOP = 257
    ELU_FROM_TOP = 258
    LOGISTIC_FROM_TOP = 260
    POOLING_MAX = 511
    POOLING_AVE_PADDED = 767
    POOLING_AVE = 1023
    LRN_ACROSS = 2815
    LRN_WITHIN = 3071
    SOFTMAX = 196608
    BINARY_ADD = 131056
    BINARY_MUL = 131057


class Arg(IntEnum):
    """Roles of the memories given to a primitive."""

    SRC = 1
    DST = 17
    SRC_1 = 2
    WEIGHTS = 33
    BIAS = 41
    MEAN = 49
    VARIANCE = 50
    SCALE = 51
    SHIFT = 52
    WORKSPACE = 64
    SCRATCHPAD = 80
    DIFF_SRC = 129
    DIFF_DST = 145
    DIFF_WEIGHTS = 161
    DIFF_BIAS = 169
    DIFF_SCALE = 255
    DIFF_SHIFT = 256
    MULTIPLE_SRC = 1024
    POST_OP = 32768


def added(index: int) -> int:
    """Return the role of the memory that a post-op adds."""
    return Arg.POST_OP * (index + 1) | Arg.SRC_1


class Query(IntEnum):
    """What can be asked of a primitive descriptor."""

    IMPLEMENTATION = 8
    SRC = 129
    DIFF_SRC = 130
    WEIGHTS = 131
    DIFF_WEIGHTS = 132
    DST = 133
    DIFF_DST = 134
    WORKSPACE = 135
    SCRATCHPAD = 136
