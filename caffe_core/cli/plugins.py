"""``caffe plugins``: every name that is installed, where it comes from and whether it works."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from caffe_core.errors import CaffeError, did_you_mean

help = "list what is installed, what is broken and what is missing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--json", action="store_true", help="write JSON instead of a table")
    parser.add_argument("--group", metavar="G", help="only this group, such as caffe.layers")


def run(args: argparse.Namespace) -> int:
    """Print the listing. The exit status is 0 even if something is broken."""
    from caffe_core.cli.inventory import inventory
    from caffe_core.cli.tables import print_table

    plugins = inventory(_groups(args.group))
    if args.json:
        print(json.dumps([asdict(plugin) for plugin in plugins], indent=2))
        return 0
    header = ["group", "name", "device", "engine", "distribution", "version", "target", "status"]
    print_table(header, [_row(plugin) for plugin in plugins])
    print(_summary(plugins))
    return 0


def _groups(wanted: str | None) -> list[Any]:
    """The registries to show; a group may be named without its ``caffe.``."""
    from caffe_core.registry import registries

    every = {registry.group: registry for registry in registries()}
    if wanted is None:
        return list(every.values())
    group = wanted if wanted in every else f"caffe.{wanted}"
    if group not in every:
        raise CaffeError(
            f"no plugin group {wanted!r}; expected one of {', '.join(every)}."
            f"{did_you_mean(group, every)}"
        )
    return [every[group]]


def _row(plugin: Any) -> list[str]:
    return [
        plugin.group.removeprefix("caffe."),
        plugin.name,
        " ".join(plugin.devices),
        " ".join(plugin.engines),
        plugin.distribution,
        plugin.version,
        plugin.target,
        plugin.status if not plugin.cause else f"{plugin.status}: {plugin.cause}",
    ]


def _summary(plugins: list[Any]) -> str:
    broken = sum(plugin.status == "broken" for plugin in plugins)
    distributions = len({plugin.distribution for plugin in plugins})
    tail = f"; {broken} broken" if broken else ""
    return f"{len(plugins)} names from {distributions} distributions{tail}"
