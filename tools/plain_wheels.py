"""``python -m tools.plain_wheels DIR``: a wheel of every distribution, by nothing but Python 3.11.

For machines where nothing can be installed from outside, such as one with a GPU that is only lent.
The wheels hold what those of ``make wheels`` hold, apart from licence files.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
_WHEEL = "Wheel-Version: 1.0\nGenerator: caffe\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def projects() -> list[Path]:
    """Return the folder of every distribution."""
    members = _read(ROOT)["tool"]["uv"]["workspace"]["members"]
    return [
        ROOT,
        *(file.parent for each in members for file in ROOT.glob(f"{each}/pyproject.toml")),
    ]


def build(folder: Path, target: Path) -> Path:
    """Write the wheel of the distribution in `folder` into `target`; return its path."""
    project = _read(folder)["project"]
    module = project["name"].replace("-", "_")
    label = f"{module}-{project['version']}"
    files = dict(_content(folder, module))
    files |= {
        f"{label}.dist-info/METADATA": _metadata(project),
        f"{label}.dist-info/WHEEL": _WHEEL,
        f"{label}.dist-info/entry_points.txt": _entry_points(project),
    }
    record = f"{label}.dist-info/RECORD"
    files[record] = "".join(f"{name},,\n" for name in (*files, record))
    wheel = target / f"{label}-py3-none-any.whl"
    with ZipFile(wheel, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return wheel


def _read(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def _content(folder: Path, module: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted((folder / module).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _metadata(project: dict[str, Any]) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {project['version']}"]
    lines += [f"Requires-Python: {project['requires-python']}"]
    lines += [f"Requires-Dist: {each}" for each in project.get("dependencies", [])]
    return "\n".join(lines) + "\n"


def _entry_points(project: dict[str, Any]) -> str:
    groups = dict(project.get("entry-points", {}))
    if "scripts" in project:
        groups["console_scripts"] = project["scripts"]
    return "\n".join(
        "\n".join([f"[{group}]", *(f"{name} = {target}" for name, target in entries.items()), ""])
        for group, entries in groups.items()
    )


def main(folder: str) -> None:
    """Write all wheels into `folder`."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for each in projects():
        build(each, target)


if __name__ == "__main__":
    main(sys.argv[1])
