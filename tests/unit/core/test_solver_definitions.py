from __future__ import annotations

import pytest

from caffe_core import solver_nets
from caffe_core.errors import CaffeError, ParseError, PluginError, SolverError
from caffe_core.layer import Phase
from caffe_core.proto.files import load_solver
from caffe_core.solver import Solver

NET = """
  name: "%s"
  layer { name: "n" type: "Noise" top: "x" }
  layer { name: "g" type: "Gain" bottom: "x" top: "y" }
  layer { name: "loss" type: "Total" bottom: "y" top: "loss" }
"""
RATE = 'base_lr: 0.1 lr_policy: "fixed" solver_mode: CPU '


def inline(field, name="tiny"):
    return f"{field} {{ {NET % name} }}\n"


def refusal(text, error=SolverError):
    with pytest.raises(error) as caught:
        Solver(RATE + text + "\n")
    return str(caught.value)


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    """Nets in files called train.prototxt, test.prototxt and both.prototxt."""
    monkeypatch.chdir(tmp_path)
    for name in ("train", "test", "both"):
        (tmp_path / f"{name}.prototxt").write_text(NET % name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('net: "both.prototxt"', "both"),
        ('train_net: "train.prototxt"', "train"),
        (inline("net_param"), "tiny"),
        (inline("train_net_param"), "tiny"),
    ],
)
def test_the_net_to_train_comes_from_any_of_four_fields(text, name):
    solver = Solver(RATE + text + "\n")
    assert (solver.net.name, solver.net.phase, solver.test_nets) == (name, Phase.TRAIN, [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "none"),
        ('net: "both.prototxt" train_net: "train.prototxt"', "net and train_net"),
        ('net: "both.prototxt"' + inline("net_param"), "net and net_param"),
    ],
)
def test_there_must_be_one_net_to_train(text, found):
    assert refusal(text) == (
        "solver: must specify exactly one of net, net_param, train_net, train_net_param; "
        f"found {found}"
    )


def names(solver):
    return [net.name for net in solver.test_nets]


TEST = "test_interval: 1 "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('net: "both.prototxt" test_iter: 3', ["both"]),
        ('train_net: "train.prototxt" test_net: "test.prototxt" test_iter: 3', ["test"]),
        ('net: "both.prototxt" test_net: "test.prototxt" test_iter: 3', ["test"]),
        (
            'net: "both.prototxt" test_net: "test.prototxt" test_iter: 3 test_iter: 4',
            ["test", "both"],
        ),
        (
            'net: "both.prototxt" test_net: "test.prototxt" test_iter: 1 test_iter: 2 test_iter: 3 '
            + inline("test_net_param", "own"),
            ["own", "test", "both"],
        ),
        (inline("net_param") + "test_iter: 1 test_iter: 2", ["tiny", "tiny"]),
    ],
)
def test_test_nets_are_the_named_ones_and_the_net_itself(text, expected):
    solver = Solver(RATE + TEST + text + "\n")
    assert names(solver) == expected
    assert all(net.phase is Phase.TEST for net in solver.test_nets)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ('net: "both.prototxt" test_net: "test.prototxt"', "1 test nets and 0 test_iter"),
        ('train_net: "train.prototxt" test_iter: 3', "0 test nets and 1 test_iter"),
        (
            'train_net: "train.prototxt" test_net: "test.prototxt" test_iter: 3 test_iter: 4',
            "1 test nets and 2 test_iter",
        ),
    ],
)
def test_every_test_net_needs_a_test_iter(text, counts):
    assert refusal(TEST + text) == (
        f"solver: test_iter must be specified for each test network: there are {counts}"
    )


def test_every_test_net_has_a_test_state_or_none_has():
    text = 'net: "both.prototxt" test_iter: 1 test_iter: 2 test_state { stage: "a" }'
    assert refusal(TEST + text) == (
        "solver: test_state must be unspecified or specified once per test net: "
        "there are 2 test nets and 1 test_state"
    )


@pytest.mark.parametrize("interval", ["", "test_interval: 0", "test_interval: -1"])
def test_testing_needs_an_interval(interval):
    assert refusal(f'net: "both.prototxt" test_iter: 1 {interval}') == (
        "solver: test_iter is given, so test_interval must be at least 1"
    )


STATES = """
net_param {
  state { stage: "always" }
  layer { name: "n" type: "Noise" top: "x" }
  layer { name: "a" type: "Noise" top: "a" include { stage: "a" } }
  layer { name: "b" type: "Noise" top: "b" include { stage: "b" } }
  layer { name: "c" type: "Noise" top: "c" include { stage: "always" } }
  layer { name: "deep" type: "Noise" top: "deep" include { min_level: 2 } }
}
"""


def test_states_choose_the_layers_of_each_net():
    states = 'train_state { stage: "a" } test_state { stage: "b" level: 2 } test_state {}'
    solver = Solver(RATE + TEST + STATES + states + "test_iter: 1 test_iter: 1")
    assert solver.net.layer_names == ["n", "a", "c"]
    assert [net.layer_names for net in solver.test_nets] == [["n", "b", "c", "deep"], ["n", "c"]]


def test_level_and_stages_of_the_call_are_for_the_net_to_train():
    solver = Solver(RATE + TEST + STATES + "test_iter: 1", level=2, stages=("b",))
    assert solver.net.layer_names == ["n", "b", "c", "deep"]
    assert solver.test_nets[0].layer_names == ["n", "c"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("iter_size: 0", "solver: iter_size is 0; expected at least 1"),
        ("average_loss: 0", "solver: average_loss is 0; expected at least 1"),
        ("max_iter: -1", "solver: max_iter is -1; expected at least 0"),
        ("display: -1", "solver: display is -1; expected at least 0"),
        ("snapshot: -1", "solver: snapshot is -1; expected at least 0"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(text, message):
    assert refusal('net: "both.prototxt" ' + text) == message


def test_an_unknown_regularization_is_refused():
    assert refusal('net: "both.prototxt" regularization_type: "L0"') == (
        "solver: Unknown regularization type: 'L0'; expected L1 or L2"
    )


def test_an_unknown_solver_type_gives_near_names():
    message = refusal('net: "both.prototxt" type: "sgd"', PluginError)
    assert message.startswith("no solver type 'sgd' is installed (")
    assert "Did you mean 'SGD'" in message


def test_a_learning_rate_policy_is_needed_to_train_and_an_unknown_one_gives_near_names():
    solver = Solver(f"base_lr: 0.1 solver_mode: CPU {inline('net_param')}")
    with pytest.raises(SolverError, match=r"lr_policy is not set; choose one of .*fixed"):
        solver.step(1)
    solver.param.lr_policy = "fixd"
    with pytest.raises(PluginError, match=r"no learning rate policy 'fixd'.* mean 'fixed'"):
        solver.step(1)


def test_a_missing_solver_or_net_file_is_named():
    with pytest.raises(ParseError, match=r"bothh\.prototxt: cannot be read: No such file.*both"):
        Solver('net: "bothh.prototxt" ' + RATE + "\n")
    with pytest.raises(ParseError, match=r"none\.prototxt: cannot be read"):
        Solver("none.prototxt")


def test_a_solver_may_come_from_a_file_or_a_message(tmp_path):
    (tmp_path / "solver.prototxt").write_text(RATE + 'net: "both.prototxt"')
    for source in ("solver.prototxt", tmp_path / "solver.prototxt"):
        assert Solver(source).net.name == "both"
    message = load_solver(tmp_path / "solver.prototxt")
    message.max_iter = 3
    solver = Solver(message)
    assert (solver.net.name, solver.max_iter) == ("both", 3)
    assert repr(solver).startswith("<Solver SGD of <Net 'both' TRAIN: 3 layers")


def test_a_snapshot_prefix_in_no_directory_is_found_before_training():
    solver = Solver(RATE + inline("net_param") + 'max_iter: 3 snapshot_prefix: "no/where"')
    with pytest.raises(SolverError) as caught:
        solver.solve()
    assert str(caught.value) == (
        "solver: snapshot_prefix 'no/where' is in no directory that exists; "
        "create 'no' or change snapshot_prefix"
    )
    assert solver.iteration == 0


def test_weights_come_from_the_call_or_the_definition(tmp_path, messages):
    trained = Solver(RATE + inline("net_param"))
    trained.net.params["g"][0].data[...] = 5
    trained.net.save("five.caffemodel")
    trained.net.params["g"][0].data[...] = 6
    trained.net.save("six.caffemodel")
    text = RATE + inline("net_param")
    for solver in (
        Solver(text, weights="six.caffemodel,five.caffemodel"),
        Solver(text + 'weights: "six.caffemodel" weights: "five.caffemodel"'),
        Solver(text + 'weights: "six.caffemodel"', weights="five.caffemodel"),
    ):
        assert (solver.net.params["g"][0].data == 5).all()
    assert "Finetuning from five.caffemodel" in messages()


def test_options_reach_every_net():
    text = RATE + TEST + inline("net_param") + "test_iter: 1"
    solver = Solver(text, dtype="float64", memory_format="auto", engines=("caffe",))
    for net in (solver.net, *solver.test_nets):
        assert net.options.dtype == "float64"
        assert net.options.memory_format == "auto"
        assert net.options.engines == ("caffe",)


def test_random_seed_fixes_every_net():
    def drawn(text, **options):
        solver = Solver(RATE + TEST + inline("net_param") + "test_iter: 1 " + text, **options)
        return [float(net.layers["n"].rng.random()) for net in (solver.net, *solver.test_nets)]

    seeded = drawn("random_seed: 5")
    assert seeded[0] != seeded[1]
    assert drawn("random_seed: 5") == seeded
    assert drawn("random_seed: 6") != seeded
    assert drawn("", seed=5) == seeded
    assert drawn("random_seed: 6", seed=5) == seeded
    assert drawn("") != drawn("")


@pytest.mark.parametrize(
    ("mode", "gpus", "expected", "warned"),
    [
        ("solver_mode: CPU", 0, "cpu", False),
        ("solver_mode: CPU", 2, "cpu", False),
        ("", 0, "cpu", False),
        ("solver_mode: GPU", 0, "cpu", True),
        ("solver_mode: GPU device_id: 1", 1, "cpu", True),
        ("solver_mode: GPU device_id: 1", 2, "cuda:1", False),
        ("", 1, "cuda:0", False),
    ],
)
def test_the_device_is_that_of_solver_mode_if_it_can_be_used(
    plug, monkeypatch, messages, mode, gpus, expected, warned
):
    plug(solver_nets.kernels("cuda"), "Gain", object)
    monkeypatch.setattr(solver_nets, "device_count", lambda: gpus)
    assert solver_nets.device_of(load_solver(mode + "\n")) == expected
    assert any("the CPU is used instead" in line for line in messages()) == warned


def test_errors_of_a_solver_are_caffe_errors():
    assert issubclass(SolverError, CaffeError)
