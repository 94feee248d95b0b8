from __future__ import annotations

import pytest

pytest.importorskip("pydot")


def test_the_suffix_says_what_is_written(caffe, workdir):
    result = caffe("draw", "net.prototxt", "net.dot")
    assert result.status == 0
    assert result.messages == ["Drawing net to net.dot"]
    text = (workdir / "net.dot").read_text()
    assert text.startswith('digraph "tiny"')
    assert 'rankdir="LR"' in text
    assert r'label="accuracy\n(Accuracy)"' in text


def test_flags(caffe, workdir):
    flags = ("--rankdir", "tb", "--phase", "train", "--display_lrm")
    assert caffe("draw", "net.prototxt", "net.gv", *flags).status == 0
    text = (workdir / "net.gv").read_text()
    assert 'rankdir="TB"' in text
    assert 'label="ip (InnerProduct) lr mult: 1.0, 1.0"' in text
    assert "accuracy" not in text


def test_a_picture(caffe, workdir):
    pytest.importorskip("matplotlib")
    assert caffe("draw", "net.prototxt", "net.svg").status == 0
    assert "<svg" in (workdir / "net.svg").read_text()


@pytest.mark.parametrize(
    ("argv", "status", "message"),
    [
        (("missing.prototxt", "net.dot"), 1, "missing.prototxt: cannot be read"),
        (("net.prototxt", "net.doc"), 1, "doc file"),
        (("net.prototxt", "none/net.dot"), 1, "No such file or directory: 'none/net.dot'"),
        (("net.prototxt", "net.dot", "--phase", "DEPLOY"), 2, "invalid choice"),
        (("net.prototxt",), 2, "required"),
    ],
)
def test_mistakes(caffe, workdir, argv, status, message):
    result = caffe("draw", *argv)
    assert (result.status, message in result.log) == (status, True)
    assert not list(workdir.glob("net.d*"))
