"""The core works without any plugin, and imports none."""

from __future__ import annotations

import subprocess
import sys

IMPORT_ALL = """
import importlib.abc, pkgutil, sys

class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"core imports the plugin {{name}}")

sys.meta_path.insert(0, Block())
import caffe_core
for module in pkgutil.walk_packages(caffe_core.__path__, "caffe_core."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print("imported", len([name for name in sys.modules if name.startswith("caffe_core")]))
"""


def plugins(members):
    return {member.module for member in members} - {"caffe_core"}


def test_no_module_of_core_names_a_plugin(members):
    core = members[0]
    assert core.name == "caffe-core"
    wrong = [
        f"{place} imports {name}"
        for place, name in core.imports()
        if name.partition(".")[0] in plugins(members)
    ]
    assert wrong == []


def test_every_module_of_core_imports_where_no_plugin_does(members):
    code = IMPORT_ALL.format(blocked=plugins(members))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 50


def test_the_block_of_this_test_blocks(members):
    code = IMPORT_ALL.format(blocked=plugins(members)) + "import caffe_layer_relu\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert "core imports the plugin caffe_layer_relu" in done.stderr
