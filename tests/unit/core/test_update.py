from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe_core import registry
from caffe_core import update as update_module
from caffe_core.arena import Arena
from caffe_core.blob import Blob
from caffe_core.errors import PluginError, SolverError
from caffe_core.graph import Parameter
from caffe_core.proto.files import load_solver
from caffe_core.update import Update
from caffe_core.update_rule import UpdateRule

F64 = np.dtype(np.float64)


def learned(*specs, seed=0):
    """Parameters from ``(count, lr_mult, decay_mult)`` with random values."""
    rng = np.random.default_rng(seed)
    made = []
    for index, (count, lr, decay) in enumerate(specs):
        blob = Blob((count,), np.float64)
        blob.data[...] = rng.standard_normal(count)
        made.append(Parameter(f"p{index}", blob, lr, decay))
    return made


def make(text, parameters):
    return Update(load_solver(text + "\n"), Arena(parameters, F64))


def step(update, gradients, rate=0.1, iteration=0):
    for parameter, gradient in zip(update.arena.parameters, gradients, strict=True):
        parameter.blob.diff[...] = gradient
    update.apply(rate, iteration)


def one(text, values, gradient, rate=0.1, steps=1):
    """Update one parameter with the same gradient a few times; return its values."""
    (parameter,) = learned((len(values), 1, 1))
    parameter.blob.data[...] = values
    update = make(text, [parameter])
    for iteration in range(steps):
        step(update, [gradient], rate, iteration)
    return parameter.blob.data.tolist()


def test_plain_descent():
    assert one("", [1, 2], [10, -20]) == pytest.approx([0, 4])


def test_momentum():
    # v: 1, 1.9, 2.71; w: 10 - 1 - 1.9 - 2.71
    assert one("momentum: 0.9", [10], [10], steps=3) == pytest.approx([4.39])


def test_l2_adds_the_decayed_value():
    assert one("weight_decay: 0.5", [4, -2], [1, 1]) == pytest.approx([4 - 0.3, -2])


def test_l1_adds_the_decayed_sign():
    text = 'weight_decay: 0.5 regularization_type: "L1"'
    assert one(text, [4, -2, 0], [1, 1, 1]) == pytest.approx([3.85, -2.05, -0.1])


def test_iter_size_divides_gradients_and_not_the_decay():
    assert one("iter_size: 4 weight_decay: 0.5", [4], [8]) == pytest.approx([4 - 0.1 * (2 + 2)])


def test_clipping_scales_the_norm_of_all_gradients_before_iter_size(messages):
    made = learned((1, 1, 1), (1, 2, 1))
    before = [float(parameter.blob.data[0]) for parameter in made]
    messages()
    step(make("clip_gradients: 10 iter_size: 2", made), [[30], [40]])
    after = [float(parameter.blob.data[0]) for parameter in made]
    assert np.subtract(before, after) == pytest.approx([0.1 * 3, 0.2 * 4])
    assert messages() == [
        "Gradient clipping: scaling down gradients (L2 norm 50 > 10) by scale factor 0.2"
    ]


def test_gradients_within_the_limit_are_not_clipped(messages):
    assert one("clip_gradients: 5", [1, 1], [3, 4]) == pytest.approx([0.7, 0.6])
    assert messages() == []


def test_a_limit_of_zero_stops_everything_and_a_negative_one_nothing():
    assert one("clip_gradients: 0", [1, 1], [3, 4]) == [1, 1]
    assert one("clip_gradients: -1", [1, 1], [3, 4]) == pytest.approx([0.7, 0.6])


def test_the_step_is_left_in_the_gradients():
    (parameter,) = learned((2, 1, 1))
    step(make("", [parameter]), [[1, 2]])
    assert parameter.blob.diff.tolist() == pytest.approx([0.1, 0.2])


def test_what_is_frozen_stays_as_it_is():
    made = learned((3, 0, 1), (3, 1, 1))
    before = made[0].blob.data.copy()
    step(make("weight_decay: 0.5 momentum: 0.9", made), [[1] * 3, [1] * 3])
    np.testing.assert_array_equal(made[0].blob.data, before)


def expected(parameter, gradients, rate, decay, momentum):
    values, velocity = parameter.blob.data.copy(), 0.0
    for gradient in gradients:
        gradient = gradient + decay * parameter.decay_mult * values
        velocity = momentum * velocity + rate * parameter.lr_mult * gradient
        values -= velocity
    return values


FACTORS = st.sampled_from([0.0, 0.5, 1.0, 2.0])


@given(
    st.lists(st.tuples(st.integers(1, 40), FACTORS, FACTORS), min_size=1, max_size=6),
    st.sampled_from([1, 7, 8, 16, 1 << 18]),
)
@settings(max_examples=60, deadline=None)
def test_factors_hold_for_their_parameter_wherever_chunks_end(specs, chunk):
    made = learned(*specs)
    gradients = [[p.blob.data * 2, p.blob.data - 1, p.blob.data * 0 + 3] for p in made]
    wanted = [expected(p, g, 0.1, 0.25, 0.5) for p, g in zip(made, gradients, strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(update_module, "CHUNK", chunk)
        update = make("momentum: 0.5 weight_decay: 0.25", made)
    for iteration in range(3):
        step(update, [each[iteration] for each in gradients], 0.1, iteration)
    for parameter, values in zip(made, wanted, strict=True):
        np.testing.assert_allclose(parameter.blob.data, values, rtol=1e-12)


class Odd(UpdateRule):
    """Writes down what it is given."""

    slots = 2
    scratch = 3
    given: list = []

    def update(self, grad, history, rate, iteration, scratch):
        lengths = {len(array) for array in (grad, *history, *scratch)}
        assert lengths == {len(grad)}
        self.given.append((len(grad), len(history), len(scratch), rate, iteration))
        grad.fill(0)


def test_a_rule_gets_pieces_with_one_rate_and_the_scratch_it_asks_for(plug, monkeypatch):
    plug(registry.solvers, "Odd", Odd)
    monkeypatch.setattr(update_module, "CHUNK", 16)
    monkeypatch.setattr(Odd, "given", [])
    update = make('type: "Odd"', learned((20, 2, 1), (3, 1, 1)))
    assert len(update.history) == 2
    update.apply(0.5, 7)
    expected = [(8, 2, 3, 0.5, 7), (8, 2, 3, 1.0, 7), (16, 2, 3, 1.0, 7)]
    assert sorted(Odd.given) == expected  # threads take them in any order


def test_a_rule_written_for_the_device_comes_first(plug):
    plug(registry.solvers, "Odd", Odd)

    class Odder(Odd):
        pass

    plug(registry.solver_kernels("cpu"), "Odd", Odder)
    assert type(make('type: "Odd"', learned((1, 1, 1))).rule) is Odder


def test_updates_run_on_a_device(mirror):
    parameters, twins = learned((5, 1, 1), (3, 2, 0)), learned((5, 1, 1), (3, 2, 0))
    text = "momentum: 0.9 weight_decay: 0.1 clip_gradients: 1"
    there = Update(load_solver(text + "\n"), Arena(parameters, F64), mirror)
    for iteration in range(3):
        step(there, [[1] * 5, [2] * 3], 0.1, iteration)
    here = make(text, twins)
    for iteration in range(3):
        step(here, [[1] * 5, [2] * 3], 0.1, iteration)
    assert type(there.history[0]) is type(mirror.zeros(1, F64))
    for one_, other in zip(parameters, twins, strict=True):
        np.testing.assert_allclose(one_.blob.data, other.blob.data, rtol=1e-12)


def test_an_update_of_nothing():
    make("clip_gradients: 1 momentum: 0.9", []).apply(0.1, 0)


def test_a_steady_update_allocates_nothing_like_the_parameters():
    made = learned((1 << 20, 1, 1), (1 << 20, 2, 0))
    update = make("momentum: 0.9 weight_decay: 0.1 clip_gradients: 1 iter_size: 2", made)
    update.apply(0.1, 0)
    tracemalloc.start()
    try:
        update.apply(0.1, 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000


def test_an_unknown_regularization_is_refused():
    with pytest.raises(SolverError) as caught:
        make('regularization_type: "L3"', learned((1, 1, 1)))
    assert str(caught.value) == (
        "solver: Unknown regularization type: 'L3'; expected L1 or L2"
    )  # fmt: skip


def test_an_unknown_solver_type_gives_near_names_and_the_pip_line():
    with pytest.raises(PluginError) as caught:
        make('type: "SDG"', learned((1, 1, 1)))
    assert str(caught.value).startswith("no solver type 'SDG' is installed (")
    assert "Did you mean 'SGD'" in str(caught.value)
    assert str(caught.value).endswith("Try: pip install caffe-solver-sdg")
