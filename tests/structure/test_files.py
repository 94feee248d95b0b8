"""Files stay small, and name no machine."""

from __future__ import annotations

import re

BINARY = {".npz", ".mdb", ".binpb", ".caffemodel", ".h5", ".solverstate", ".png", ".ldb"}
PRIVATE = re.compile(
    "|".join(
        [
            r"(?<![\w.])/(?:work|farm|root|opt|home/\w+)/",
            "py" + r"pi\.org",
            "python" + r"hosted\.org",
            "npm" + r"js\.(?:org|com)",
            "deb" + r"ian\.(?:org|net)",
        ]
    )
)


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines()


def test_modules_stay_small(members):
    limits = {"layers_cpu": 150, "layers_cuda": 150}
    long = {
        str(source): count
        for member in members
        for source in member.sources
        if (count := len(lines_of(source))) > limits.get(member.folder.parent.name, 450)
    }
    assert long == {}


def test_no_file_names_a_place_on_some_machine_or_a_registry(tracked_files, root):
    found = [
        f"{path.relative_to(root)}:{number}: {line.strip()[:80]}"
        for path in tracked_files
        if path.suffix not in BINARY and "cases" not in path.parts
        for number, line in enumerate(lines_of(path), 1)
        if PRIVATE.search(line)
    ]
    assert found == []


def test_the_pattern_finds_what_it_should():
    for text in ("see " + "/work" + "/main", "https://" + "py" + "pi.org/simple", "/ro" + "ot/.c"):
        assert PRIVATE.search(text), text
    for text in ("docs/work/main.md", "a/root/b", "$HOME/x", "pip install caffe"):
        assert not PRIVATE.search(text), text


def test_no_lock_file_or_trained_model_is_kept(tracked_files, root):
    kept = [path.relative_to(root) for path in tracked_files if "cases" not in path.parts]
    assert [p for p in kept if p.name == "uv.lock" or p.suffix in BINARY - {".binpb", ".png"}] == []
