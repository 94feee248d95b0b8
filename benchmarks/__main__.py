"""``python -m benchmarks``: measure, print a table, write JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import data_path, loading, machine, pairs, python_share, report, startup
from benchmarks.contenders import PEERS
from benchmarks.nets import NETS
from benchmarks.suite import tasks
from caffe_core.errors import DeviceError

_COMPARED = ("training", "inference")
PARTS = (*_COMPARED, "loading", "startup", "data", "share")
RESULTS = Path(__file__).with_name("results") / "latest.json"


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for."""
    args = _parser().parse_args(argv)
    if args.device == "cuda":
        args.parts = [part for part in args.parts if part in _COMPARED]
    quick = pairs.Effort(rounds=3, seconds=0.05, threads=args.threads)
    full = pairs.Effort(rounds=args.rounds, seconds=args.seconds, threads=args.threads)
    figures: dict[str, Any] = {}
    try:
        measure(args, quick if args.quick else full, figures)
    except DeviceError as error:
        sys.exit(str(error))
    finally:  # what an hour has brought forth is not lost with the next minute
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(figures, indent=2) + "\n")
        print(f"\nwritten to {os.path.relpath(args.json)}")


def measure(args: argparse.Namespace, effort: pairs.Effort, found: dict[str, Any]) -> None:
    """Measure and print; put all figures into `found`."""
    os.environ["CAFFE_THREADS"] = str(effort.threads)
    description = machine.description() | machine.gpu(args.device)
    found |= {"machine": description, "effort": asdict(effort), "tasks": []}
    print(machine.in_a_line(found["machine"]))
    print(f"{effort.threads} threads; ratios are our time divided by the peer's\n")
    args.peers = _installed(args.peers)
    rows = _compare(args, effort, found["tasks"])
    loaded = None
    if "loading" in args.parts:
        loaded = loading.measure(effort.rounds)
        found["loading"] = asdict(loaded)
        print(f"\nloading 244 MB: {loaded.ours * 1e3:.1f} ms; protobuf: {loaded.theirs * 1e3:.1f}")
    if "startup" in args.parts:
        found["startup"] = startup.measure(effort.rounds)
        print("\nstart", *report.named(found["startup"].items(), "{:8.3f} s"), sep="\n")
    if "data" in args.parts:
        found["data"] = data_path.measure(effort.rounds * effort.seconds)
        print("\nimages from", *report.named(found["data"].items(), "{:8.0f} a second"), sep="\n")
    if "share" in args.parts:
        found["share"] = python_share.measure(effort.rounds)
        print("\nPython's own part of an iteration")
        for net, share in found["share"].items():
            print(f"  {net:<20} {share:8.1%}, at most {python_share.AT_MOST[net]:.0%}")
    found["targets"] = report.targets(rows, loaded)
    if found["targets"]:
        print("\ntargets", *found["targets"], sep="\n")


def _installed(peers: list[str]) -> list[str]:
    """Leave out those who cannot take part, with a word."""
    missing = {name: PEERS[name].missing() for name in peers}
    absent = {name: " and ".join(modules) for name, modules in missing.items() if modules}
    for name, modules in absent.items():
        print(f"{name} is left out: {modules} not installed")
    return [name for name in peers if name not in absent]


def _compare(
    args: argparse.Namespace, effort: pairs.Effort, found: list[dict[str, Any]]
) -> list[pairs.Row]:
    kinds = [part for part in args.parts if part in _COMPARED]
    rows: list[pairs.Row] = []
    for task in tasks(args.nets, kinds, args.batch, args.device):
        if not rows:
            print(report.heading())
        for row in pairs.measure(task, args.peers, effort):
            print(report.line(row), flush=True)
            rows.append(row)
            found.append(asdict(row))
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    for flag, known, of_what in (
        ("--nets", NETS, "nets"),
        ("--peers", PEERS, "peers; none: time Caffe alone"),
        ("--parts", PARTS, "parts"),
    ):
        parser.add_argument(
            flag,
            type=_Choice(known),
            default=[name for name in known if name != "caffe-numpy"],
            metavar="A,B",
            help=f"which {of_what} ({', '.join(known)})",
        )
    parser.add_argument(
        "--batch", type=_numbers, default=[], metavar="N,M", help="batches, for every net"
    )
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cpu", help="cuda: training and inference only"
    )
    effort = pairs.Effort()
    parser.add_argument("--rounds", type=int, default=effort.rounds, help="turns of each side (10)")
    parser.add_argument("--seconds", type=float, default=effort.seconds, help="a turn's time (0.3)")
    parser.add_argument("--threads", type=int, default=effort.threads, help="of each side (2)")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 0.05 s: to try it out")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="all figures")
    return parser


def _numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


class _Choice:
    """Names out of those that are known; ``none`` is none of them."""

    def __init__(self, known):
        self._known = list(known)

    def __call__(self, text: str) -> list[str]:
        chosen = [] if text == "none" else text.split(",")
        for name in chosen:
            if name not in self._known:
                raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(self._known)}")
        return chosen


if __name__ == "__main__":
    main()
