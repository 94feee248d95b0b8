"""``caffe new layer NAME``: write a distribution with a layer of one's own, ready to be changed."""

from __future__ import annotations

import argparse
import keyword
import re
from importlib.resources import files
from pathlib import Path
from string import Template

from caffe_core import __version__, registry
from caffe_core.errors import CaffeError

help = "write the skeleton of a plugin: `caffe new layer NAME`"

_FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "$module/__init__.py": "module.py",
    "tests/test_contract.py": "test_contract.py",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("kind", choices=["layer"], help="what to write")
    parser.add_argument(
        "name", metavar="NAME", help="the type's name in a prototxt: Softsign, MyLoss"
    )
    parser.add_argument(
        "--dir", metavar="D", default=".", help="write it into a new folder of this one"
    )


def run(args: argparse.Namespace) -> int:
    """Write the skeleton and say what to do next.

    Raises:
        CaffeError: The name cannot be used, or the folder exists.
    """
    _check_name(args.name)
    folder = Path(args.dir) / f"caffe-layer-{registry.stem(args.name)}"
    written = _write(folder, _values(args.name))
    print(f"{folder} has " + ", ".join(str(path.relative_to(folder)) for path in written))
    print(f"Next: pip install -e {folder} pytest && pytest {folder}")
    return 0


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name) or keyword.iskeyword(name):
        raise CaffeError(
            f"layer name {name!r}: expected a capital letter, then letters and digits, such as "
            f"{_suggestion(name)!r}"
        )
    owners = sorted({each.distribution for each in registry.layers.listings() if each.name == name})
    if owners:
        raise CaffeError(
            f"layer name {name!r}: {' and '.join(owners)} supplies this type; choose another name"
        )


def _suggestion(name: str) -> str:
    """``my-layer`` as a type's name: ``MyLayer``."""
    words = re.findall(r"[A-Za-z0-9]+", name)
    camel = "".join(word[0].upper() + word[1:] for word in words).lstrip("0123456789")
    return "MyLayer" if not camel or keyword.iskeyword(camel) else camel[0].upper() + camel[1:]


def _values(name: str) -> dict[str, str]:
    """What the templates are filled with."""
    distribution = f"caffe-layer-{registry.stem(name)}"
    return {
        "name": name,
        "distribution": distribution,
        "module": distribution.replace("-", "_"),
        "core_version": __version__,
        "next_major": str(int(__version__.partition(".")[0]) + 1),
    }


def _write(folder: Path, values: dict[str, str]) -> list[Path]:
    templates = files(__package__) / "templates" / "layer"
    content = {
        folder / Template(path).substitute(values): Template(
            (templates / f"{template}.template").read_text(encoding="utf-8")
        ).substitute(values)
        for path, template in _FILES.items()
    }
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise CaffeError(
            f"{folder} exists; remove it, or choose another place with --dir"
        ) from None
    for path, text in content.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(content)
