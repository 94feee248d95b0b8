"""``python -m caffe_core.testing.golden DIR``: run golden cases and say which fail."""

from __future__ import annotations

import argparse
import logging
import sys
from collections import Counter
from collections.abc import Sequence

from caffe_core.errors import CaffeError
from caffe_core.testing.golden import Options, Status, find_cases, run_case


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cases.

    Returns:
        0 if all that could run passed, 1 if any failed, 2 if there is none or no such device.
    """
    args = _parser().parse_args(argv)
    cases = [case for case in find_cases(args.folder) if args.pattern in case.name]
    if not cases:
        print(f"no golden case (*.npz) under {args.folder!r} matches", file=sys.stderr)
        return 2
    options = Options(args.device, args.engine, args.memory_format)
    counts: Counter[Status] = Counter()
    for case in cases:
        try:
            result = run_case(case, options)
        except CaffeError as error:
            print(error, file=sys.stderr)
            return 2
        counts[result.status] += 1
        if result.status is Status.FAILED or args.verbose:
            print(result, flush=True)
    print(", ".join(f"{counts[status]} {status.value}" for status in Status))
    return 1 if counts[Status.FAILED] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m caffe_core.testing.golden",
        description="Run cases that the original Caffe computed, and say which fail.",
    )
    parser.add_argument("folder", metavar="DIR", help="a folder with cases, searched to its depth")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, emulated (%(default)s)")
    parser.add_argument("--engine", help="take kernels from this engine where it has one")
    parser.add_argument(
        "--memory-format",
        choices=("contiguous", "channels_last", "auto"),
        default="contiguous",
        help="of all blobs that may have it (%(default)s)",
    )
    parser.add_argument("-k", dest="pattern", default="", help="only cases with this in their name")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for every case")
    return parser


if __name__ == "__main__":
    logging.getLogger("caffe").setLevel(logging.ERROR)  # old formats are warned of, case by case
    sys.exit(main())
