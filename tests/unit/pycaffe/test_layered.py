from __future__ import annotations

import itertools

import pytest
from caffe.layered import lay_out

GAPS = {"along_gap": 10, "across_gap": 5}


def placed(edges, sizes=None):
    names = dict.fromkeys(name for edge in edges for name in edge)
    sizes = sizes or dict.fromkeys(names, (20, 8))
    return lay_out(sizes, edges, **GAPS), sizes


def test_a_chain_is_a_line():
    layout, _ = placed([("a", "b"), ("b", "c")])
    assert layout.centres == {"a": (10, 4), "b": (40, 4), "c": (70, 4)}
    assert layout.size == (80, 8)
    assert layout.routes == {("a", "b"): [(20, 4), (30, 4)], ("b", "c"): [(50, 4), (60, 4)]}


def test_nodes_stand_after_those_that_lead_to_them_and_apart_from_others():
    edges = [("in", name) for name in "abcd"] + [(name, "out") for name in "abcd"] + [("d", "e")]
    layout, sizes = placed(edges)
    for tail, head in edges:
        assert layout.centres[tail][0] + 20 < layout.centres[head][0]
    for one, other in itertools.combinations(sizes, 2):
        (x0, y0), (x1, y1) = layout.centres[one], layout.centres[other]
        assert abs(x0 - x1) >= 20 + 10 or abs(y0 - y1) >= 8 + 5 - 1e-9
    assert layout.centres["in"][1] == pytest.approx(layout.size[1] / 2)


def test_everything_is_within_the_size():
    sizes = {"a": (4, 30), "b": (40, 8), "c": (10, 12), "d": (6, 6)}
    layout, _ = placed([("a", "b"), ("a", "c"), ("c", "d"), ("b", "d")], sizes)
    for name, (along, across) in sizes.items():
        x, y = layout.centres[name]
        assert along / 2 - 1e-9 <= x <= layout.size[0] - along / 2 + 1e-9
        assert across / 2 - 1e-9 <= y <= layout.size[1] - across / 2 + 1e-9


def test_edges_that_pass_rows_go_around_their_nodes():
    layout, _ = placed([("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")])
    route = layout.routes["a", "d"]
    assert len(route) == 6
    for node, (enter, leave) in (("b", route[1:3]), ("c", route[3:5])):
        x, y = layout.centres[node]
        assert (enter[0], leave[0]) == (x - 10, x + 10)
        assert abs(enter[1] - y) >= 4 + 5 - 1e-9
        assert enter[1] == leave[1]


def test_a_loop_leads_back():
    layout, _ = placed([("a", "b"), ("b", "a"), ("b", "c"), ("c", "c")])
    assert layout.centres["a"] < layout.centres["b"] < layout.centres["c"]
    assert layout.routes["b", "a"] == layout.routes["a", "b"][::-1]
    assert ("c", "c") not in layout.routes


def test_edges_are_kept_from_crossing():
    layout, _ = placed([("a", "x"), ("b", "y"), ("c", "z"), ("r", "c"), ("r", "a"), ("r", "b")])
    order = sorted("abc", key=lambda name: layout.centres[name][1])
    heads = sorted("xyz", key=lambda name: layout.centres[name][1])
    assert heads == [{"a": "x", "b": "y", "c": "z"}[name] for name in order]


def test_sources_stand_near_what_they_lead_to():
    layout, _ = placed([("a", "b"), ("b", "c"), ("c", "d"), ("late", "d")])
    assert layout.centres["late"][0] == layout.centres["c"][0]


def test_nothing_takes_no_room():
    assert lay_out({}, [], **GAPS).size == (0, 0)
