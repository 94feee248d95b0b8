"""A layered layout of a graph: each node in a row after those that lead to it.

Rows follow each other along one axis, nodes stand beside each other across. Edges that pass rows
have a bend in each, so that they go around nodes.

Source: Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
structures", 1981.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from typing import Any

Edge = tuple[str, str]
Point = tuple[float, float]
Row = list[Hashable]  # nodes, and bends: (edge, row)
Link = tuple[Hashable, Hashable]
Neighbours = dict[Any, list[Any]]

_SWEEPS = 12
_STRAIGHT = 6.0  # how much more than others a bend wants to be where its edge comes from


@dataclass
class Layout:
    """Where everything is: along the rows and across them.

    Attributes:
        centres: Of the nodes.
        routes: For each edge the points that it passes, at the borders of rows.
        size: Of the whole.
    """

    centres: dict[str, Point]
    routes: dict[Edge, list[Point]]
    size: Point


def lay_out(
    sizes: Mapping[str, Point], edges: Iterable[Edge], along_gap: float, across_gap: float
) -> Layout:
    """Place nodes and edges.

    Args:
        sizes: Of the nodes: along and across.
        edges: From node to node.
        along_gap: Between rows.
        across_gap: Between nodes of a row.
    """
    edges = list(dict.fromkeys(edges))
    order, backward = _sorted_nodes(sizes, edges)
    forward = [edge for edge in edges if edge not in backward]
    ranks = _ranks(order, forward)
    rows, links = _with_bends(order, forward, ranks)
    _uncross(rows, links)
    widths = {item: sizes[item][1] if isinstance(item, str) else 0.0 for item in chain(*rows)}
    across = _spread(rows, links, widths, across_gap)
    borders = _borders(rows, sizes, along_gap)
    centres = {node: (sum(borders[rank]) / 2, across[node]) for node, rank in ranks.items()}

    def route(tail: str, head: str) -> list[Point]:
        first = (centres[tail][0] + sizes[tail][0] / 2, across[tail])
        last = (centres[head][0] - sizes[head][0] / 2, across[head])
        passed = range(ranks[tail] + 1, ranks[head])
        bends = [(place, across[(tail, head), rank]) for rank in passed for place in borders[rank]]
        return [first, *bends, last]

    routes = {edge: route(*edge) for edge in forward}
    routes |= {edge: route(*edge[::-1])[::-1] for edge in backward if edge[0] != edge[1]}
    extent = max((across[item] + width / 2 for item, width in widths.items()), default=0.0)
    return Layout(centres, routes, (borders[-1][1] if borders else 0.0, extent))


def _sorted_nodes(nodes: Iterable[str], edges: Sequence[Edge]) -> tuple[list[str], set[Edge]]:
    """Return the nodes, each after those that lead to it, and the edges that would close a loop."""
    heads = _neighbours(edges)
    done: dict[str, None] = {}
    following: set[str] = set()
    backward: set[Edge] = set()
    for root in nodes:
        path = [] if root in done else [(root, iter(heads[root]))]
        while path:
            tail, rest = path[-1]
            following.add(tail)
            head = next(rest, None)
            if head is None:
                path.pop()
                following.remove(tail)
                done[tail] = None
            elif head in following:
                backward.add((tail, head))
            elif head not in done:
                path.append((head, iter(heads[head])))
    return list(reversed(done)), backward


def _ranks(order: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Return the row of each node: as early as may be, but late where that makes edges shorter."""
    heads, tails = _neighbours(edges), _neighbours((head, tail) for tail, head in edges)
    ranks: dict[str, int] = {}
    for node in order:
        ranks[node] = max((ranks[tail] + 1 for tail in tails[node]), default=0)
    for node in reversed(order):
        if heads[node] and len(heads[node]) >= len(tails[node]):
            ranks[node] = min(ranks[head] for head in heads[node]) - 1
    return ranks


def _with_bends(
    order: Sequence[str], edges: Sequence[Edge], ranks: Mapping[str, int]
) -> tuple[list[Row], list[Link]]:
    """Return the rows, and links between items of rows that follow each other."""
    rows: list[Row] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for node in order:
        rows[ranks[node]].append(node)
    links: list[Link] = []
    for edge in edges:
        tail, head = edge
        bends = [(edge, rank) for rank in range(ranks[tail] + 1, ranks[head])]
        for bend in bends:
            rows[bend[1]].append(bend)
        path = [tail, *bends, head]
        links += pairwise(path)
    return rows, links


def _uncross(rows: list[Row], links: Sequence[Link]) -> None:
    """Sort each row by where its neighbours are, so that few links cross."""
    place: dict[Hashable, float] = {}
    for row in rows:
        place.update((item, index / len(row)) for index, item in enumerate(row))
    for neighbours, sweep in _sweeps(rows, links):
        for row in sweep:
            wanted = {item: _mean(item, neighbours, place) for item in row}
            row.sort(key=wanted.__getitem__)
            place.update((item, index / len(row)) for index, item in enumerate(row))


def _spread(
    rows: list[Row], links: Sequence[Link], widths: Mapping[Hashable, float], gap: float
) -> dict[Hashable, float]:
    """Return where items are across, from 0: near their neighbours, with a gap in between."""
    across = {item: 0.0 for row in rows for item in row}
    for neighbours, sweep in _sweeps(rows, links):
        for row in sweep:
            wanted = [_mean(item, neighbours, across) for item in row]
            weights = [1.0 if isinstance(item, str) else _STRAIGHT for item in row]
            gaps = [(widths[one] + widths[other]) / 2 + gap for one, other in pairwise(row)]
            across.update(zip(row, _apart(wanted, weights, gaps), strict=True))
    low = min((place - widths[item] / 2 for item, place in across.items()), default=0.0)
    return {item: place - low for item, place in across.items()}


def _borders(rows: list[Row], sizes: Mapping[str, Point], gap: float) -> list[Point]:
    """Return where each row begins and ends."""
    depths = [max(sizes[item][0] for item in row if isinstance(item, str)) for row in rows]
    starts = accumulate((depth + gap for depth in depths), initial=0.0)
    return [(start, start + depth) for start, depth in zip(starts, depths, strict=False)]


def _sweeps(rows: list[Row], links: Sequence[Link]) -> Iterator[tuple[Neighbours, list[Row]]]:
    """Yield, in turn, what comes before and after each item, with the rows in that direction."""
    heads, tails = _neighbours(links), _neighbours((head, tail) for tail, head in links)
    for _ in range(_SWEEPS):
        yield heads, rows[::-1]
        yield tails, rows


def _apart(wanted: Sequence[float], weights: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Return places in order, with gaps at least, that are nearest to the wanted ones.

    That is isotonic regression: neighbours that are too close become a block, at their mean.
    """
    offsets = list(accumulate(gaps, initial=0.0))
    blocks: list[tuple[float, float, int]] = []  # place, weight, number of items
    for place, weight, offset in zip(wanted, weights, offsets, strict=True):
        block = (place - offset, weight, 1)
        while blocks and blocks[-1][0] >= block[0]:
            other = blocks.pop()
            total = other[1] + block[1]
            mean = (other[0] * other[1] + block[0] * block[1]) / total
            block = (mean, total, other[2] + block[2])
        blocks.append(block)
    places = [place for place, _, count in blocks for _ in range(count)]
    return [place + offset for place, offset in zip(places, offsets, strict=True)]


def _mean(item: Hashable, neighbours: Neighbours, place: Mapping[Hashable, float]) -> float:
    """Return the middle of an item's neighbours, or where it is itself if it has none."""
    places = [place[each] for each in neighbours[item]]
    return sum(places) / len(places) if places else place[item]


def _neighbours(links: Iterable[tuple[Any, Any]]) -> Neighbours:
    found: Neighbours = defaultdict(list)
    for one, other in links:
        found[one].append(other)
    return found
