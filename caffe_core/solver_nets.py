"""The nets that a solver definition names: one to train, any number to test."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from caffe_core.cuda import device_count
from caffe_core.errors import SolverError
from caffe_core.layer import Phase
from caffe_core.net import Net
from caffe_core.random_seed import derive_seed
from caffe_core.registry import kernels

log = logging.getLogger("caffe")

TRAIN_FIELDS = ("net", "net_param", "train_net", "train_net_param")


def device_of(param: Any) -> str:
    """Return the device that ``solver_mode`` names, or ``cpu`` if that GPU is of no use.

    GPU is what a definition says that says nothing, so only one that names it is worth a warning.
    """
    if param.solver_mode == param.CPU:
        return "cpu"
    why = _why_no_gpu(param.device_id)
    if why is None:
        return f"cuda:{param.device_id}"
    if param.HasField("solver_mode"):
        log.warning("solver_mode is GPU, but %s; the CPU is used instead", why)
    return "cpu"


def _why_no_gpu(index: int) -> str | None:
    if device_count() <= index:
        return f"there is no CUDA device {index} (`caffe device_query` tells more)"
    if not kernels("cuda").names():
        return "no CUDA kernels are installed"
    return None


def make_train_net(param: Any, seed: int, options: Mapping[str, Any]) -> Net:
    """Build the net to be trained.

    Raises:
        SolverError: The definition names none, or more than one.
    """
    given = [field for field in TRAIN_FIELDS if param.HasField(field)]
    if len(given) != 1:
        raise SolverError(
            f"solver: must specify exactly one of {', '.join(TRAIN_FIELDS)}; "
            f"found {' and '.join(given) or 'none'}"
        )
    field = given[0]
    if field.endswith("param"):
        log.info("Creating training net specified in %s.", field)
    else:
        log.info("Creating training net from %s file: %s", field, getattr(param, field))
    state = param.train_state
    return _make(getattr(param, field), Phase.TRAIN, state, derive_seed(seed, 0), options)


def make_test_nets(param: Any, trained: Net, seed: int, options: Mapping[str, Any]) -> list[Net]:
    """Build the nets to be tested; they use the learned blobs of the trained one.

    Raises:
        SolverError: The number of ``test_iter`` or ``test_state`` does not fit.
    """
    sources = _test_sources(param)
    nets = []
    for index, (source, description) in enumerate(sources):
        log.info("Creating test net (#%d) specified by %s", index, description)
        state = param.test_state[index] if param.test_state else type(param.train_state)()
        net = _make(source, Phase.TEST, state, derive_seed(seed, 1 + index), options)
        net.share_trained_layers_with(trained)
        net.debug_info = param.debug_info
        nets.append(net)
    return nets


def _test_sources(param: Any) -> list[tuple[Any, str]]:
    sources: list[tuple[Any, str]] = [(each, "test_net_param") for each in param.test_net_param]
    sources += [(each, f"test_net file: {each}") for each in param.test_net]
    own, wanted = len(sources), len(param.test_iter)
    generic = [field for field in ("net_param", "net") if param.HasField(field)]
    if wanted < own or (wanted > own and not generic):
        raise SolverError(
            f"solver: test_iter must be specified for each test network: "
            f"there are {own} test nets and {wanted} test_iter"
        )
    for field in generic[:1] * (wanted - own):
        source = getattr(param, field)
        sources.append((source, field if field == "net_param" else f"net file: {source}"))
    if param.test_state and len(param.test_state) != len(sources):
        raise SolverError(
            f"solver: test_state must be unspecified or specified once per test net: "
            f"there are {len(sources)} test nets and {len(param.test_state)} test_state"
        )
    if sources and param.test_interval <= 0:
        raise SolverError("solver: test_iter is given, so test_interval must be at least 1")
    return sources


def _make(source: Any, phase: Phase, state: Any, seed: int, options: Mapping[str, Any]) -> Net:
    """Build a net whose level and stages are those of its own file, of `state` and of `options`."""
    from caffe_core.proto.files import load_net

    definition = load_net(source)
    level = state.level if state.HasField("level") else definition.state.level
    stages = [*state.stage]
    chosen = dict(options)
    if phase is Phase.TRAIN:
        level = chosen.pop("level") or level
        stages += chosen.pop("stages")
    else:
        del chosen["level"], chosen["stages"]
    return Net(definition, phase, level=level, stages=stages, seed=seed, **chosen)
