from __future__ import annotations

import os
import subprocess
import sys

import pytest

from caffe_core import __version__, registry

HEAVY = ("numpy", "google.protobuf", "rich", "matplotlib", "PIL", "lmdb")
WATCH = f"""
import sys
from caffe_core.cli import main
status = main(sys.argv[1:])
loaded = [name for name in {HEAVY!r} if name in sys.modules]
sys.exit(f"loaded: {{loaded}}" if loaded else status)
"""


def run(*argv: str, code: str = WATCH, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *argv],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("argv", [[], ["--help"], ["-help"], ["-h"]])
def test_the_usage_is_printed_and_imports_nothing_heavy(argv):
    done = run(*argv)
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage: caffe <command> <args>" in done.stdout
    assert "  train           train or finetune a model\n" in done.stdout
    assert "  test            score a model\n" in done.stdout


@pytest.mark.parametrize("name", registry.commands.names())
def test_the_help_of_a_command_imports_nothing_heavy(name):
    done = run(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: caffe {name}" in done.stdout


@pytest.mark.parametrize("spelling", ["-version", "--version"])
def test_version(caffe, spelling):
    result = caffe(spelling)
    assert (result.status, result.out) == (0, f"caffe version {__version__}\n")


def test_caffe_s_commands_come_first(caffe):
    lines = caffe().out.partition("commands:\n")[2].splitlines()
    names = [line.split()[0] for line in lines if line.startswith("  ")]
    assert names[:4] == ["train", "test", "device_query", "time"]
    assert names[4:] == sorted(names[4:])


@pytest.mark.parametrize(
    ("module", "complaint"),
    [
        ("raise ValueError('out of order')", "ValueError: out of order"),
        ("def run(args): return 0", "it has no `help`"),
    ],
)
def test_a_broken_command_is_listed_and_breaks_nothing_else(distribution, module, complaint):
    site = distribution(
        "caffe-wobble", "[caffe.commands]\nwobble = caffe_wobble\n", caffe_wobble=module
    )
    listed = run(PYTHONPATH=site)
    assert listed.returncode == 0
    assert f"wobble          (broken: {complaint}" in listed.stdout.replace(
        "command 'wobble' from caffe-wobble 1.0 (caffe.commands: caffe_wobble) does not import: ",
        "",
    )
    assert run("train", "--help", PYTHONPATH=site).returncode == 0


def test_a_broken_command_says_so_when_it_is_used(distribution):
    site = distribution("caffe-wobble", "[caffe.commands]\nwobble = caffe_wobble\n")
    done = run("wobble", PYTHONPATH=site)
    assert done.returncode == 1
    assert "'wobble' from caffe-wobble 1.0" in done.stderr
    assert "No module named 'caffe_wobble'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_of_a_plugin_runs(distribution):
    command = (
        "help = 'greet'\n"
        "def add_arguments(parser): parser.add_argument('--name')\n"
        "def run(args): print(f'hello {args.name}'); return 3\n"
    )
    site = distribution(
        "caffe-hello", "[caffe.commands]\nhello = caffe_hello\n", caffe_hello=command
    )
    done = run("-name", "Yangqing", "hello", PYTHONPATH=site)
    assert (done.returncode, done.stdout) == (3, "hello Yangqing\n")


def test_a_broken_hook_plugin_is_left_out_with_a_warning(distribution):
    site = distribution("caffe-hum", "[caffe.hooks]\ncaffe-hum = caffe_hum\n")
    done = run("train", "--help", PYTHONPATH=site)
    assert done.returncode == 0
    assert "--solver" in done.stdout
    assert (
        "No module named 'caffe_hum'; repair or uninstall caffe-hum; it is left out" in done.stderr
    )
