"""``python -m tools.plain_wheels DIR``: a wheel of every distribution, by nothing but Python 3.11.

For machines where nothing can be installed from outside, such as one with a GPU that is only lent.
The wheels hold what those of ``make wheels`` hold, apart from licence files. A distribution is left
out that needs what is not installed there, so that the rest can be used and tested without it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
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


def lacking(projects: dict[str, Path]) -> dict[str, str]:
    """Return what each distribution needs that is not installed, by the names of distributions.

    Args:
        projects: The folder of each distribution that may be built.
    """
    from packaging.requirements import Requirement

    needs = {
        name: [
            need.name
            for need in map(Requirement, _read(folder)["project"].get("dependencies", []))
            if need.marker is None or need.marker.evaluate()
        ]
        for name, folder in projects.items()
    }
    found: dict[str, str] = {}
    seen = -1
    while len(found) > seen:
        seen = len(found)
        for name, wanted in needs.items():
            absent = [need for need in wanted if need in found or not _is_there(need, projects)]
            if absent:
                found.setdefault(name, absent[0])
    return found


def _is_there(need: str, projects: dict[str, Path]) -> bool:
    if need in projects:
        return True
    try:
        version(need)
    except PackageNotFoundError:
        return False
    return True


def main(folder: str) -> None:
    """Write the wheels of all that can be used into `folder`."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    named = {_read(each)["project"]["name"]: each for each in projects()}
    absent = lacking(named)
    if "caffe-core" in absent:
        sys.exit(f"caffe-core needs {absent['caffe-core']}, which {sys.executable} does not have")
    for name, each in named.items():
        if name in absent:
            print(f"Left out: {name} needs {absent[name]}, which is not installed")
        else:
            build(each, target)


if __name__ == "__main__":
    main(sys.argv[1])
