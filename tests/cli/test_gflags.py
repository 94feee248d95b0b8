from __future__ import annotations

import argparse

import pytest

from caffe_core.cli.gflags import Parser, find_command

KNOWN = ["plugins", "test", "train"]


@pytest.fixture
def parser():
    parser = Parser(prog="caffe try", supplied_by={"plot": "caffe-plot"})
    parser.add_argument("--solver")
    parser.add_argument("--gpu", default="")
    parser.add_argument("--sigint_effect")
    parser.add_argument("--max-iter", type=int)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--shuffle", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("-o", "--out")
    parser.add_argument("files", nargs="*")
    return parser


@pytest.mark.parametrize(
    "argv",
    [["-solver", "a"], ["--solver", "a"], ["-solver=a"], ["--solver=a"]],
)
def test_one_dash_or_two_and_a_space_or_an_equals_sign(parser, argv):
    assert parser.parse_flags(argv).solver == "a"


@pytest.mark.parametrize("argv", [["-max_iter", "7"], ["--max-iter=7"], ["-max-iter=7"]])
def test_an_underscore_is_as_good_as_a_dash(parser, argv):
    assert parser.parse_flags(argv).max_iter == 7


def test_a_dash_is_as_good_as_an_underscore(parser):
    assert parser.parse_flags(["--sigint-effect", "stop"]).sigint_effect == "stop"


@pytest.mark.parametrize("argv", [["-gpu", "-1"], ["-gpu=-1"], ["--gpu", "-1"]])
def test_a_value_may_begin_with_a_dash(parser, argv):
    assert parser.parse_flags(argv).gpu == "-1"


def test_a_value_may_be_empty_or_hold_an_equals_sign(parser):
    assert parser.parse_flags(["-solver", "", "-gpu=a=b"]).solver == ""
    assert parser.parse_flags(["-solver", "", "-gpu=a=b"]).gpu == "a=b"


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], False),
        (["-json"], True),
        (["--json=true"], True),
        (["--json=1"], True),
        (["-json=false"], False),
        (["-nojson"], False),
    ],
)
def test_a_switch(parser, argv, expected):
    assert parser.parse_flags(argv).json is expected


@pytest.mark.parametrize(
    ("argv", "expected"),
    [([], True), (["-noshuffle"], False), (["--no-shuffle"], False), (["-shuffle=f"], False)],
)
def test_a_switch_that_is_on_unless_put_off(parser, argv, expected):
    assert parser.parse_flags(argv).shuffle is expected


def test_a_switch_does_not_take_the_next_word(parser):
    args = parser.parse_flags(["-json", "true"])
    assert args.json
    assert args.files == ["true"]


def test_short_flags_stay_short(parser):
    assert parser.parse_flags(["-o", "x"]).out == "x"


def test_after_two_dashes_all_is_meant_literally(parser):
    assert parser.parse_flags(["--", "-solver"]).files == ["-solver"]


def test_flags_of_a_subcommand():
    parser = Parser(prog="caffe try")
    parser.add_argument("--verbose", action="store_true")
    image_set = parser.add_subparsers(dest="kind").add_parser("imageset")
    image_set.add_argument("--resize-height", type=int)
    image_set.add_argument("--shuffle", action="store_true")
    args = parser.parse_flags(["-verbose", "imageset", "-resize_height=256", "--shuffle=true"])
    assert args == argparse.Namespace(
        kind="imageset", resize_height=256, shuffle=True, verbose=True
    )


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["-solvr=x"], "unknown flag '-solvr=x'. Did you mean 'solver'?"),
        (["--plot", "x.png"], "--plot comes with a plugin: pip install caffe-plot"),
        (["-json=maybe"], "--json is true or false, not 'maybe'"),
        (["-max_iter", "many"], "argument --max-iter: invalid int value: 'many'"),
        (["-solver"], "argument --solver: expected one argument"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(parser, argv, message, capsys):
    with pytest.raises(SystemExit) as exit:
        parser.parse_flags(argv)
    assert exit.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        f"caffe try: {message}",
        "`caffe try --help` shows the flags.",
    ]


@pytest.mark.parametrize(
    ("argv", "position"),
    [
        ("train -solver a", 0),
        ("-solver a train", 2),
        ("-solver=a train", 1),
        ("-solver test train", 2),
        ("train -solver test", 0),
        ("--json plugins", 1),
        ("trian -solver train", 0),
        ("-solver a trian", 2),
        ("-solver a", 1),
        ("--help", None),
        ("", None),
    ],
)
def test_where_the_command_is(argv, position):
    assert find_command(argv.split(), KNOWN) == position
