"""``caffe test``: score a model."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from caffe_core.cli import flags

help = "score a model"

log = logging.getLogger("caffe")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_model(parser)
    flags.add_weights(parser, "the weights to score")
    flags.add_iterations(parser)
    flags.add_gpu(parser)
    flags.add_net_state(parser)
    flags.add_execution(parser)


def run(args: argparse.Namespace) -> int:
    """Run the net in phase TEST and log the mean of each number that it outputs."""
    from caffe_core.cli.gpus import one_device

    flags.required(args, "model", "Need a model definition to score.")
    flags.required(args, "weights", "Need model weights to score.")
    with flags.build_net(args, one_device(args.gpu), "TEST") as net:
        log.info("Running for %d iterations.", args.iterations)
        loss, scores = _score(net, args.iterations)
    log.info("Loss: %g", loss)
    for name, mean, weight in scores:
        remark = f" (* {weight:g} = {weight * mean:g} loss)" if weight else ""
        log.info("%s = %g%s", name, mean, remark)
    return 0


def _score(net: Any, iterations: int) -> tuple[float, list[tuple[str, float, float]]]:
    """Return the mean loss, and name, mean and loss weight of each number in the outputs."""
    loss, sums = 0.0, [0.0] * len(net.output_values())
    for batch in range(iterations):
        loss += net.forward()
        outputs = net.output_values()
        for index, (name, value, _) in enumerate(outputs):
            sums[index] += value
            log.info("Batch %d, %s = %g", batch, name, value)
    means = [total / iterations for total in sums]
    return loss / iterations, [
        (name, mean, weight) for mean, (name, _, weight) in zip(means, outputs, strict=True)
    ]
