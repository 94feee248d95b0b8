"""Flags that several commands share."""

from __future__ import annotations

import argparse
from typing import Any

from caffe_core.errors import CaffeError


def add_gpu(parser: argparse.ArgumentParser) -> None:
    """Add ``-gpu``."""
    parser.add_argument(
        "--gpu",
        default="",
        metavar="ID",
        help="run on this GPU, or on several: 0,1 or all; -1 is the CPU",
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add ``-model``."""
    parser.add_argument("--model", metavar="FILE", help="the model definition (prototxt)")


def add_weights(parser: argparse.ArgumentParser, purpose: str) -> None:
    """Add ``-weights``."""
    parser.add_argument(
        "--weights",
        default="",
        metavar="FILES",
        help=f"{purpose} (.caffemodel or .h5), separated by ','",
    )


def add_iterations(parser: argparse.ArgumentParser) -> None:
    """Add ``-iterations``."""
    parser.add_argument(
        "--iterations",
        type=positive,
        default=50,
        metavar="N",
        help="how many iterations to run (50)",
    )


def add_net_state(parser: argparse.ArgumentParser) -> None:
    """Add ``-level`` and ``-stage``."""
    parser.add_argument("--level", type=int, default=0, metavar="N", help="network level (0)")
    parser.add_argument(
        "--stage", default="", metavar="NAMES", help="network stages (not phases), separated by ','"
    )


def add_phase(parser: argparse.ArgumentParser, default: str) -> None:
    """Add ``-phase``."""
    parser.add_argument(
        "--phase",
        type=str.upper,
        choices=("TRAIN", "TEST"),
        default=default,
        help=f"network phase ({default})",
    )


def add_execution(parser: argparse.ArgumentParser) -> None:
    """Add what Caffe 1.0 has no flags for: how kernels are chosen, and the random seed."""
    flags = parser.add_argument_group("kernels")
    flags.add_argument(
        "--engines",
        default="",
        metavar="NAMES",
        help="engines to choose kernels from, best first: onednn,caffe",
    )
    flags.add_argument(
        "--memory-format",
        default="auto",
        metavar="FORMAT",
        choices=("contiguous", "channels_last", "auto"),
        help="contiguous, channels_last, or auto: what the kernels prefer",
    )
    flags.add_argument(
        "--precision",
        default="float32",
        choices=("float32", "bf16"),
        help="float32, or bf16: 16 bits between layers where kernels can (float32)",
    )
    flags.add_argument(
        "--passes",
        metavar="NAMES",
        help="optional passes to run over the net, and in which order; none for none (all)",
    )
    flags.add_argument("--fallback", choices=("cpu",), help="run layers without a GPU kernel there")
    flags.add_argument("--seed", type=int, metavar="N", help="source of every random number")


def add_keep(parser: argparse.ArgumentParser) -> None:
    """Add ``--keep``."""
    parser.add_argument(
        "--keep",
        metavar="NAMES",
        help="blobs to be looked at beside inputs and outputs, while the others share memory; "
        "none for no other (all are kept)",
    )


def positive(text: str) -> int:
    """Return a whole number above 0."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text}")
    return number


def words(flag: str) -> list[str]:
    """Return the parts of a list separated by commas."""
    return [part.strip() for part in flag.split(",") if part.strip()]


def required(args: argparse.Namespace, flag: str, message: str) -> str:
    """Return the value of a flag that must be given.

    Raises:
        CaffeError: It is not; the text is `message`.
    """
    value = getattr(args, flag)
    if not value:
        raise CaffeError(f"{message} Give -{flag} FILE.")
    return str(value)


def execution(args: argparse.Namespace) -> dict[str, Any]:
    """Return the flags of `add_execution` as arguments of a net or solver."""
    return {
        "engines": tuple(words(args.engines)) or None,
        "memory_format": args.memory_format,
        "fallback": args.fallback == "cpu",
        "seed": args.seed,
        "precision": args.precision,
        "passes": listed(args.passes),
    }


def listed(text: str | None) -> tuple[str, ...] | None:
    """Return the parts of a list in which ``none`` is an empty one; None if it is not given."""
    if text is None:
        return None
    return () if text == "none" else tuple(words(text))


def build_net(
    args: argparse.Namespace, device: str, phase: str, keep: tuple[str, ...] | None = None
) -> Any:
    """Return the net that ``-model`` defines, with ``-weights`` if the command has them.

    `keep` names the blobs that are to be looked at beside inputs and outputs; None is all.
    """
    from caffe_core.layer import Phase
    from caffe_core.net import Net

    return Net(
        args.model,
        Phase[phase],
        weights=getattr(args, "weights", "") or None,
        level=args.level,
        stages=tuple(words(args.stage)),
        device=device,
        keep=keep,
        **execution(args),
    )
