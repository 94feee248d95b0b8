"""``caffe train``: train or finetune a model."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from caffe_core.cli import flags
from caffe_core.cli.signals import EFFECTS, interrupts_kept, signals_to
from caffe_core.errors import CaffeError, DeviceError

help = "train or finetune a model"
supplied_by = {"plot": "caffe-plot"}

log = logging.getLogger("caffe")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--solver", metavar="FILE", help="the solver definition (prototxt)")
    parser.add_argument(
        "--snapshot", default="", metavar="FILE", help="solver state to resume from"
    )
    flags.add_weights(parser, "weights to finetune, not together with -snapshot")
    flags.add_gpu(parser)
    flags.add_net_state(parser)
    for name, default, event in (("sigint", "stop", "Ctrl-C"), ("sighup", "snapshot", "SIGHUP")):
        parser.add_argument(
            f"--{name}_effect",
            choices=EFFECTS,
            default=default,
            help=f"what {event} does: snapshot, stop or none ({default})",
        )
    parser.add_argument(
        "--max-iter", type=int, metavar="N", help="instead of the solver's max_iter"
    )
    parser.add_argument(
        "--on-nan",
        choices=("stop", "continue"),
        default="stop",
        help="what a loss that is not a number does (stop)",
    )
    flags.add_execution(parser)
    flags.add_keep(parser)


def run(args: argparse.Namespace) -> int:
    """Train until the last iteration, a signal or an error."""
    param = _definition(args)
    device = _device(args.gpu, param)

    from caffe_core.solver import Solver

    with interrupts_kept():
        solver = Solver(
            param,
            device=device,
            weights=args.weights or None,
            level=args.level,
            stages=tuple(flags.words(args.stage)),
            stop_on_nan=args.on_nan == "stop",
            keep=flags.listed(args.keep),
            test_keep=(),
            **flags.execution(args),
        )
    try:
        with signals_to(solver, args.sigint_effect, args.sighup_effect):
            if args.snapshot:
                log.info("Resuming from %s", args.snapshot)
                solver.restore(args.snapshot)
            log.info("Starting Optimization")
            solver.solve()
    finally:
        solver.close()
    log.info("Optimization Done.")
    return 0


def _definition(args: argparse.Namespace) -> Any:
    """The solver definition, with the last iteration that the flags name."""
    from caffe_core.proto.files import load_solver

    path = flags.required(args, "solver", "Need a solver definition to train.")
    if args.snapshot and args.weights:
        raise CaffeError(
            "Give a snapshot to resume training or weights to finetune but not both. "
            "A snapshot names its weights itself: leave -weights out."
        )
    param = load_solver(path)
    if args.max_iter is not None:
        param.max_iter = args.max_iter
    return param


def _device(flag: str, param: Any) -> str:
    """Return the device that ``-gpu`` or else the solver definition names, and log which it is."""
    from caffe_core.cli.gpus import check, gpu_ids, gpu_name
    from caffe_core.solver_nets import device_of

    ids = gpu_ids(flag)
    if len(ids) > 1:
        raise DeviceError(
            f"-gpu {flag}: training on several GPUs at once is not supported; give one of them"
        )
    device = device_of(param) if not flag else f"cuda:{ids[0]}" if ids else "cpu"
    if device == "cpu":
        log.info("Use CPU.")
        return device
    index = int(device.partition(":")[2])
    check(index)
    log.info("Using GPUs %d", index)
    log.info("GPU %d: %s", index, gpu_name(index))
    return device
