from __future__ import annotations

import subprocess
import sys

import pytest


def test_import_is_light():
    code = (
        "import sys, caffe_convert, argparse\n"
        "caffe_convert.add_arguments(argparse.ArgumentParser())\n"
        "heavy = ('numpy', 'google.protobuf', 'PIL', 'lmdb')\n"
        "print([each for each in heavy if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_kind_is_needed(convert):
    status, log = convert()
    assert status == 2
    assert "KIND" in log


def test_unknown_kind(convert):
    status, log = convert("cifar")
    assert status == 2
    assert "cifar" in log


@pytest.mark.parametrize("kind", ["mnist", "digits", "imageset", "mean"])
def test_help(convert, capfd, kind):
    from caffe_core.cli import main

    assert main(["convert", kind, "--help"]) == 0
    assert f"usage: caffe convert {kind}" in capfd.readouterr().out
