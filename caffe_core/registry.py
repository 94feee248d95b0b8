"""Plugins chosen by name: found once per process through entry points, imported on first use."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from caffe_core.errors import PluginError, did_you_mean

if sys.version_info >= (3, 12):
    from importlib.metadata import EntryPoint, EntryPoints, entry_points
else:
    from importlib_metadata import EntryPoint, EntryPoints, entry_points

T = TypeVar("T")
_IN_CODE = "(registered in code)"

# Names that Caffe's own files spell otherwise than word by word.
_STEMS = {
    "AbsVal": "absval",
    "AdaDelta": "adadelta",
    "AdaGrad": "adagrad",
    "ArgMax": "argmax",
    "LSTMUnit": "lstm-unit",
    "PReLU": "prelu",
    "ReLU": "relu",
    "ReLU6": "relu6",
    "SoftmaxWithLoss": "softmax-loss",
    "TanH": "tanh",
}


@functools.cache
def _installed() -> EntryPoints:
    """Every entry point on ``sys.path``: one scan a process."""
    return entry_points()


@functools.cache
def _index(group: str) -> dict[str, list[EntryPoint]]:
    index: dict[str, list[EntryPoint]] = {}
    for entry in _installed().select(group=group):
        claims = index.setdefault(entry.name, [])
        if all(_owner(entry) != _owner(other) for other in claims):
            claims.append(entry)
    return index


def rescan() -> None:
    """Forget the scan, so that distributions installed since then are found."""
    _installed.cache_clear()
    _index.cache_clear()


@dataclass(frozen=True)
class Listing:
    """One name of a registry and where it comes from, as ``caffe plugins`` shows it."""

    group: str
    name: str
    distribution: str
    version: str
    target: str


class Registry(Generic[T]):
    """The plugins of one entry-point group, by name.

    Args:
        group: Entry-point group, such as ``caffe.layers``.
        noun: What one plugin is called in messages, such as ``layer type``.
        hint: What to do about a missing one; ``{stem}`` becomes the name as distributions spell it.
    """

    def __init__(self, group: str, noun: str, hint: str = ""):
        self.group, self.noun, self.hint = group, noun, hint
        self._registered: dict[str, T] = {}
        self._loaded: dict[str, T] = {}

    def register(self, name: str, plugin: T) -> T:
        """Add a plugin by hand. It wins over any installed one of that name."""
        self._registered[name] = plugin
        return plugin

    def unregister(self, name: str) -> None:
        """Take back a `register`."""
        self._registered.pop(name, None)

    def names(self) -> list[str]:
        """Return every known name, sorted. Imports nothing."""
        return sorted({*self._registered, *_index(self.group)})

    def __contains__(self, name: object) -> bool:
        return name in self._registered or name in _index(self.group)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __getitem__(self, name: str) -> T:
        """Return the plugin called `name`, importing it on first use.

        Raises:
            PluginError: No distribution or more than one supplies the name, or it does not import.
        """
        if name in self._registered:
            return self._registered[name]
        if name not in self._loaded:
            self._loaded[name] = _load(self.noun, self._choose(name))
        return self._loaded[name]

    def get(self, name: str) -> T | None:
        """Return the plugin called `name`, or None where nobody supplies it."""
        return self[name] if name in self else None  # noqa: SIM401 - self.get is this method

    def supplier(self, name: str) -> str:
        """Return the distribution that `name` stands for, where several may claim it.

        Raises:
            PluginError: No distribution supplies the name, or more than one.
        """
        return _IN_CODE if name in self._registered else _dist(self._choose(name))[0]

    def listings(self) -> list[Listing]:
        """Return every claim to a name, in the order of the names. Imports nothing."""
        claims = [
            Listing(self.group, name, _IN_CODE, "", repr(plugin))
            for name, plugin in self._registered.items()
        ]
        for name, entries in _index(self.group).items():
            claims += [
                Listing(self.group, name, _dist(entry)[0], _dist(entry)[1], entry.value)
                for entry in entries
            ]
        return sorted(claims, key=lambda claim: (claim.name, claim.distribution))

    def _choose(self, name: str) -> EntryPoint:
        claims = _index(self.group).get(name, [])
        if not claims:
            raise PluginError(self._missing(name))
        preferred = _preferred(name)
        chosen = [
            entry
            for entry in claims
            if preferred is None
            or len(claims) == 1
            or _canonical(preferred) == _canonical(_dist(entry)[0])
        ]
        if len(chosen) == 1:
            return chosen[0]
        owners = " and ".join(sorted(_owner(entry) for entry in claims))
        if preferred is not None:
            raise PluginError(
                f"CAFFE_PREFER wants {self.noun} {name!r} from {preferred}, "
                f"but it is supplied by {owners}. Correct CAFFE_PREFER."
            )
        raise PluginError(
            f"{self.noun} {name!r} is supplied by {owners}. Uninstall all but one, "
            f"or choose with CAFFE_PREFER={name}=<distribution>."
        )

    def _missing(self, name: str) -> str:
        known = self.names()
        hint = " " + self.hint.format(stem=stem(name)) if self.hint else ""
        return (
            f"no {self.noun} {name!r} is installed ({len(known)} are; `caffe plugins` lists them)."
            f"{did_you_mean(name, known)}{hint}"
        )


def stem(name: str) -> str:
    """``InnerProduct`` as a distribution name spells it: ``inner-product``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).replace("_", "-").lower()
    return _STEMS.get(name, words)


def _preferred(name: str) -> str | None:
    """The distribution that ``CAFFE_PREFER=Name=dist,Other=dist`` gives for `name`."""
    for choice in os.environ.get("CAFFE_PREFER", "").split(","):
        key, _, distribution = choice.partition("=")
        if key.strip() == name:
            return distribution.strip()
    return None


def _canonical(distribution: str) -> str:
    """A distribution's name as pip compares it: case, dots and underscores do not matter."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _load(noun: str, entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except Exception as error:
        raise PluginError(
            f"{noun} {entry.name!r} from {_owner(entry)} ({entry.group}: {entry.value}) "
            f"does not import: {type(error).__name__}: {error}; "
            f"repair or uninstall {_dist(entry)[0]}"
        ) from error


def _dist(entry: EntryPoint) -> tuple[str, str]:
    return (entry.dist.name, entry.dist.version) if entry.dist else ("an unknown distribution", "")


def _owner(entry: EntryPoint) -> str:
    return " ".join(_dist(entry)).strip()


layers: Registry[Any] = Registry(
    "caffe.layers", "layer type", "Try: pip install caffe-layer-{stem}"
)
solvers: Registry[Any] = Registry(
    "caffe.solvers", "solver type", "Try: pip install caffe-solver-{stem}"
)
sources: Registry[Any] = Registry("caffe.data", "data source", "Try: pip install caffe-data-{stem}")
fillers: Registry[Any] = Registry("caffe.fillers", "filler")
lr_policies: Registry[Any] = Registry("caffe.lr_policies", "learning rate policy")
passes: Registry[Any] = Registry("caffe.passes", "pass")
commands: Registry[Any] = Registry("caffe.commands", "command", "Try: pip install caffe-{stem}")
hooks: Registry[Any] = Registry("caffe.hooks", "hook plugin")


@functools.cache
def kernels(device_kind: str) -> Registry[Any]:
    """Return the kernels for one kind of device, ``cpu`` or ``cuda``."""
    return Registry(f"caffe.kernels.{device_kind}", f"{device_kind} kernel")


@functools.cache
def solver_kernels(device_kind: str) -> Registry[Any]:
    """Return the update rules written for one kind of device; `solvers` has the portable ones."""
    return Registry(f"caffe.solvers.{device_kind}", f"{device_kind} update rule")


def registries() -> list[Registry[Any]]:
    """Return every registry, in the order in which ``caffe plugins`` shows them."""
    by_device = [each(kind) for each in (kernels, solver_kernels) for kind in ("cpu", "cuda")]
    return [layers, *by_device, solvers, sources, fillers, lr_policies, passes, commands, hooks]
