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
    with flags.build_net(args, one_device(args.gpu), "TEST", keep=()) as net:
        log.info("Running for %d iterations.", args.iterations)
        loss, means = _score(net, args.iterations)
        log.info("Loss: %g", loss)
        for name, mean in means.items():
            weight = net.loss_weights[name]
            for value in mean.ravel():
                part = f" (* {weight:g} = {weight * value:g} loss)" if weight else ""
                log.info("%s = %g%s", name, value, part)
    return 0


def _score(net: Any, iterations: int) -> tuple[float, dict[str, Any]]:
    """Return the mean loss, and the mean of each output."""
    loss, sums = 0.0, dict.fromkeys(net.outputs, 0.0)
    for batch in range(iterations):
        loss += net.forward()
        for name in net.outputs:
            output = net.blobs[name].data
            for value in output.ravel():
                log.info("Batch %d, %s = %g", batch, name, value)
            sums[name] = sums[name] + output.astype(float)
    return loss / iterations, {name: total / iterations for name, total in sums.items()}
