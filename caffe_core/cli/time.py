"""``caffe time``: measure how long a net takes, layer by layer."""

from __future__ import annotations

import argparse
import logging
from time import perf_counter
from typing import Any

from caffe_core.cli import flags
from caffe_core.errors import NetError

help = "benchmark model execution time"

log = logging.getLogger("caffe")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_model(parser)
    flags.add_phase(parser, "TRAIN")
    flags.add_iterations(parser)
    flags.add_gpu(parser)
    flags.add_net_state(parser)
    flags.add_execution(parser)
    parser.add_argument(
        "--data", action="store_true", help="time the data layers alone, in images/s"
    )


def run(args: argparse.Namespace) -> int:
    """Run the net forward and backward and log the mean times."""
    from caffe_core.cli.gpus import one_device

    flags.required(args, "model", "Need a model definition to time.")
    with flags.build_net(args, one_device(args.gpu), args.phase) as net:
        if args.data:
            _time_data(net, args.iterations)
            return 0
        log.info("Performing Forward")
        log.info("Initial loss: %g", net.forward())
        log.info("Performing Backward")
        net.backward()
        log.info("*** Benchmark begins ***")
        log.info("Testing for %d iterations.", args.iterations)
        _report(net, *_measure(net, args.iterations), args.iterations)
        log.info("*** Benchmark ends ***")
    return 0


def _measure(net: Any, iterations: int) -> tuple[list[float], list[float], float]:
    """Return the milliseconds of each layer forward and backward, and of everything."""
    places = range(len(net.nodes))
    forward, backward = [0.0] * len(net.nodes), [0.0] * len(net.nodes)
    begin = perf_counter()
    for iteration in range(1, iterations + 1):
        start = perf_counter()
        for place in places:
            forward[place] += _milliseconds(net.device, net.forward, place)
        for place in reversed(places):
            backward[place] += _milliseconds(net.device, net.backward, place)
        took = (perf_counter() - start) * 1e3
        log.info("Iteration: %d forward-backward time: %g ms.", iteration, took)
    return forward, backward, (perf_counter() - begin) * 1e3


def _milliseconds(device: Any, run: Any, place: int) -> float:
    start = perf_counter()
    run(place, place)
    device.synchronize()
    return (perf_counter() - start) * 1e3


def _report(
    net: Any, forward: list[float], backward: list[float], total: float, iterations: int
) -> None:
    log.info("Average time per layer: ")
    for name, there, back in zip(net.layer_names, forward, backward, strict=True):
        log.info("%10s\tforward: %g ms.", name, there / iterations)
        log.info("%10s\tbackward: %g ms.", name, back / iterations)
    log.info("Average Forward pass: %g ms.", sum(forward) / iterations)
    log.info("Average Backward pass: %g ms.", sum(backward) / iterations)
    log.info("Average Forward-Backward: %g ms.", total / iterations)
    log.info("Total Time: %g ms.", total)


def _time_data(net: Any, iterations: int) -> None:
    """Time the layers that read nothing from the net; their first top counts the images."""
    places = [place for place, node in enumerate(net.nodes) if not node.bottom and node.top]
    if not places:
        raise NetError(f"net {net.name!r} has no data layer to time in this phase")
    for place in places:
        net.forward(place, place)
        took = sum(_milliseconds(net.device, net.forward, place) for _ in range(iterations))
        node = net.nodes[place]
        speed = node.top[0].span(0, 1) * iterations / took * 1e3
        log.info("%10s\t%g ms. a batch, %g images/s", node.name, took / iterations, speed)
