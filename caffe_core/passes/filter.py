"""The pass that leaves out layers whose rules do not fit the phase, level and stages."""

from __future__ import annotations

import logging
from typing import Any

from caffe_core.errors import NetError
from caffe_core.graph import Graph

log = logging.getLogger("caffe")


def filter_layers(graph: Graph) -> list[str]:
    """Keep the layers that the net's state includes.

    The phase and level of the options replace those in the definition; its stages are kept and
    added to.

    Raises:
        NetError: A layer has both include and exclude rules.
    """
    param, options = graph.param, graph.options
    param.state.phase = int(options.phase)
    param.state.level = options.level
    param.state.stage.extend(each for each in options.stages if each not in param.state.stage)
    kept, notes = [], []
    for layer in param.layer:
        if _included(layer, param.state):
            kept.append(layer)
        else:
            notes.append(f"{layer.name} ({layer.type}) is left out")
    del param.layer[:]
    param.layer.extend(kept)
    return notes


def _included(layer: Any, state: Any) -> bool:
    if layer.include and layer.exclude:
        raise NetError(
            f"layer {layer.name!r} has both include and exclude rules; keep one kind only"
        )
    if layer.include:
        return any(_meets(rule, state, layer.name) for rule in layer.include)
    return not any(_meets(rule, state, layer.name) for rule in layer.exclude)


def _meets(rule: Any, state: Any, layer: str) -> bool:
    """Whether the state fits one rule; the log says why not."""
    reason = _mismatch(rule, state)
    if reason:
        log.info("%s in layer %s", reason, layer)
    return reason is None


def _mismatch(rule: Any, state: Any) -> str | None:
    if rule.HasField("phase") and rule.phase != state.phase:
        return (
            f"The NetState phase ({int(state.phase)}) differed from "
            f"the phase ({int(rule.phase)}) specified by a rule"
        )
    level = f"The NetState level ({state.level})"
    if rule.HasField("min_level") and state.level < rule.min_level:
        return f"{level} is below the min_level ({rule.min_level}) specified by a rule"
    if rule.HasField("max_level") and state.level > rule.max_level:
        return f"{level} is above the max_level ({rule.max_level}) specified by a rule"
    for stage in rule.stage:
        if stage not in state.stage:
            return f"The NetState did not contain stage '{stage}' specified by a rule"
    for stage in rule.not_stage:
        if stage in state.stage:
            return f"The NetState contained a not_stage '{stage}' specified by a rule"
    return None
