"""How a plan is chosen, with cuDNN interpreted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from caffe_engine_cudnn.correlation import Correlation, Wanted
from caffe_engine_cudnn.graph import Layout
from caffe_engine_cudnn.library import CudnnError
from caffe_engine_cudnn.plan import plan_for

from caffe_core.blob import CHANNELS_LAST, CONTIGUOUS
from caffe_core.convolution import ConvolutionGeometry

IMAGE, OUTPUT = ((2, 3, 5, 6), (2, 4, 5, 6))
GEOMETRY = ConvolutionGeometry((3, 3), (1, 1), (1, 1), (1, 1))


def correlation(memory_format=CONTIGUOUS):
    return Correlation(
        Wanted.OUTPUT,
        Layout.dense(IMAGE, memory_format),
        Layout.dense((4, 3, 3, 3), CONTIGUOUS),
        Layout.dense(OUTPUT, memory_format),
        GEOMETRY,
    )


def arrays():
    return [np.ones(shape, np.float32) for shape in (IMAGE, (4, 3, 3, 3), OUTPUT)]


def run(plan):
    x, weight, y = arrays()
    plan(np.zeros(plan.room, np.uint8), x, weight, y)
    assert y[0, 0, 2, 2] == 27
    assert y[0, 0, 0, 0] == 12


def ways(library):
    return [way for _, way in library.module.ran]


def test_equal_computations_share_a_plan(library):
    plan = plan_for(library, correlation())
    assert plan_for(library, correlation()) is plan
    assert plan_for(library, correlation(CHANNELS_LAST)) is not plan


def test_the_fastest_way_is_kept(library, interpreter):
    library.measures = True
    seconds = (0.02, 0.0, 0.01)
    library.module.ways = [
        interpreter.Way(seconds=each, room=100 * index) for index, each in enumerate(seconds)
    ]
    plan = plan_for(library, correlation())
    assert plan.room == 200
    run(plan)
    assert set(ways(library)) == {0, 1, 2}
    library.module.ran.clear()
    assert plan.room == 100
    run(plan)
    assert ways(library) == [1]


def test_without_measuring_the_first_way_is_taken(library, interpreter):
    library.module.ways = [interpreter.Way(seconds=0.01), interpreter.Way()]
    run(plan_for(library, correlation()))
    assert ways(library) == [0]


def test_what_does_not_build_or_needs_too_much_scratch_is_left_out(library, interpreter):
    library.module.ways = [
        interpreter.Way(builds=False),
        interpreter.Way(room=1 << 40),
        interpreter.Way(room=64),
    ]
    plan = plan_for(library, correlation())
    run(plan)
    assert ways(library) == [2]


@pytest.mark.parametrize("tf32", [False, True])
def test_tensor_cores_round_float32_only_if_allowed(library, interpreter, tf32):
    library.tf32 = tf32
    note = library.module.numerical_note
    library.module.ways = [
        interpreter.Way(frozenset({each}))
        for each in (note.DOWN_CONVERT_INPUTS, note.NONDETERMINISTIC, note.TENSOR_CORE)
    ] + [interpreter.Way()]
    run(plan_for(library, correlation()))
    assert ways(library) == [2 if tf32 else 3]


def test_no_more_ways_are_tried_than_are_worth_while(library, interpreter):
    library.measures = True
    library.module.ways = [interpreter.Way() for _ in range(20)]
    run(plan_for(library, correlation()))
    assert set(ways(library)) == set(range(8))


def test_where_there_is_no_way_the_error_is_brief_and_stays(library):
    wanted = replace(correlation(), rectified=True)
    for _ in range(2):
        with pytest.raises(CudnnError, match=r"no code for this: No valid engine configs$"):
            plan_for(library, wanted)


def test_where_nothing_builds_the_error_says_why(library, interpreter):
    library.module.ways = [interpreter.Way(builds=False)]
    with pytest.raises(CudnnError, match="does not compile"):
        plan_for(library, correlation())
