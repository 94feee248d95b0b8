"""The pass that chooses a memory format for each blob, and reorders where kernels cannot follow."""

from __future__ import annotations

from collections import Counter

from caffe_core.blob import CHANNELS_LAST, CONTIGUOUS, Blob, MemoryFormat
from caffe_core.errors import CaffeError
from caffe_core.graph import Graph, Node, Reorder

_AXES = 3  # a blob with fewer has one format only


def choose_formats(graph: Graph) -> list[str]:
    """Set the format of each blob; give a kernel that does not take it a reordered copy.

    ``memory_format`` of the options decides: one format for all blobs that may have it, or, with
    ``auto``, the one that most of the kernels around a blob prefer. Where none has a preference, a
    layer's tops are like its bottoms.

    Raises:
        CaffeError: The option has another value.
    """
    wanted = graph.options.memory_format
    known = ["auto", *(each.value for each in MemoryFormat)]
    if wanted not in known:
        raise CaffeError(f"memory_format is {wanted!r}; expected one of {', '.join(known)}")
    notes = []
    tied = _Tied(graph.nodes)
    chosen = {
        id(blobs): CONTIGUOUS if tied.is_fixed(blobs[0]) else _vote(graph.nodes, blobs, wanted)
        for blobs in tied.groups()
    }
    _follow(graph.nodes, tied, chosen)
    for blobs in tied.groups():
        for blob in blobs:
            blob.format = chosen[id(blobs)] or CONTIGUOUS
    notes += [
        f"{name} is {blob.format.value}"
        for name, blob in graph.blobs.items()
        if blob.format is not CONTIGUOUS
    ]
    for node in graph.nodes:
        notes += reorder_for(node)
    return notes


def _vote(nodes: list[Node], blobs: list[Blob], wanted: str) -> MemoryFormat | None:
    """Return the format of blobs that share memory; None if nobody prefers one."""
    if max(len(blob.shape) for blob in blobs) < _AXES:
        return CONTIGUOUS
    if wanted != "auto":
        return MemoryFormat(wanted)
    members = {id(blob) for blob in blobs}
    votes: Counter[MemoryFormat] = Counter()
    for node in nodes:
        if node.kernel and node.kernel.prefers and members & {id(b) for b in _around(node)}:
            votes[node.kernel.prefers] += 1
    if not votes:
        return None
    return CHANNELS_LAST if votes[CHANNELS_LAST] > votes[CONTIGUOUS] else CONTIGUOUS


def _follow(nodes: list[Node], tied: _Tied, chosen: dict[int, MemoryFormat | None]) -> None:
    """Going forward, let tops that are still free take the format of a bottom."""
    for node in nodes:
        groups = [id(tied.group(blob)) for blob in node.bottom if len(blob.shape) >= _AXES]
        found = next((each for each in map(chosen.__getitem__, groups) if each), None)
        for top in node.top:
            group = id(tied.group(top))
            if found and chosen[group] is None and _takes(node, found):
                chosen[group] = found


def reorder_for(node: Node) -> list[str]:
    """Give a node copies of the blobs whose format its kernel does not take."""
    assert node.kernel is not None
    blobs = [blob for blob in _around(node) if len(blob.shape) >= _AXES]
    present = Counter(blob.format for blob in blobs)
    agree = len(present) <= 1 or not node.bottom  # the tops of a source have nothing in common
    if agree and all(each in node.kernel.formats for each in present):
        return []
    chosen = max(node.kernel.formats, key=lambda each: present[each])
    node.reorders = []
    for blob in dict.fromkeys(blobs):
        if blob.format is not chosen:
            copy = Blob(blob.shape, blob.dtype)
            copy.format = chosen
            may_share = not (node.layer.facts.dynamic and blob in node.top)
            node.reorders.append(Reorder(blob, copy, may_share))
    for reorder in node.reorders:
        reorder.follow()
    copied = sum(not reorder.is_shared for reorder in node.reorders)
    return [f"{node.name}: {copied} blobs are reordered to {chosen.value}"] if copied else []


def _takes(node: Node, memory_format: MemoryFormat) -> bool:
    return node.kernel is not None and memory_format in node.kernel.formats


def _around(node: Node) -> list[Blob]:
    return [*node.bottom, *node.top]


class _Tied:
    """Blobs that must have one format, since they share memory."""

    def __init__(self, nodes: list[Node]):
        self._group: dict[int, list[Blob]] = {}
        self._fixed: set[int] = set()
        for node in nodes:
            for blob in _around(node):
                self._group.setdefault(id(blob), [blob])
            if node.layer.facts.shares_bottom:
                self._tie(node)

    def groups(self) -> list[list[Blob]]:
        """Return each group once."""
        return list({id(group): group for group in self._group.values()}.values())

    def group(self, blob: Blob) -> list[Blob]:
        """Return the blobs that share memory with this one, itself included."""
        return self._group[id(blob)]

    def is_fixed(self, blob: Blob) -> bool:
        """Whether the blob's group must stay contiguous."""
        return any(id(each) in self._fixed for each in self._group[id(blob)])

    def _tie(self, node: Node) -> None:
        below = node.bottom[0]
        for top in node.top:
            if top.shape != below.shape or not _takes(node, CHANNELS_LAST):
                self._fixed.add(id(top))
            mine, other = self._group[id(below)], self._group[id(top)]
            if mine is not other:
                mine.extend(other)
                for blob in other:
                    self._group[id(blob)] = mine
