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
    with flags.build_net(args, one_device(args.gpu), args.phase, keep=()) as net:
        if args.data:
            _time_data(net, args.iterations)
            return 0
        log.info("Performing Forward")
        log.info("Initial loss: %g", net.forward())
        if not net.forward_only:
            log.info("Performing Backward")
            net.backward()
        log.info("*** Benchmark begins ***")
        log.info("Testing for %d iterations.", args.iterations)
        _report(net, *_measure(net, args.iterations), args.iterations)
        log.info("*** Benchmark ends ***")
    return 0


def _measure(net: Any, iterations: int) -> tuple[list[float], list[float], float]:
    """Return the milliseconds of each layer forward and backward, and of everything."""
    clock = _Clock(net)
    begin = perf_counter()
    for iteration in range(1, iterations + 1):
        clock.start()
        net.forward()
        if not net.forward_only:
            net.backward()
        log.info("Iteration: %d forward-backward time: %g ms.", iteration, clock.stop())
    return clock.spent["forward"], clock.spent["backward"], (perf_counter() - begin) * 1e3


class _Clock:
    """Watches a net and adds up the milliseconds that each layer takes on the net's device.

    Nothing waits for the device until an iteration is over.

    Attributes:
        spent: For ``forward`` and ``backward``, the sum of each layer.
    """

    def __init__(self, net: Any):
        self._device = net.device
        self._places = {id(node): place for place, node in enumerate(net.nodes)}
        self._passed: list[tuple[str, int, Any]] = []
        self.spent = {doing: [0.0] * len(net.nodes) for doing in ("forward", "backward")}
        net.watch = self._pass

    def start(self) -> None:
        """Begin an iteration."""
        self._passed.clear()
        self._begin = self._device.moment()

    def stop(self) -> float:
        """End an iteration; return the milliseconds it took."""
        last = self._begin
        end = self._device.moment()
        took: float = self._device.milliseconds(self._begin, end)
        for doing, place, moment in self._passed:
            self.spent[doing][place] += self._device.milliseconds(last, moment)
            last = moment
        return took

    def _pass(self, node: Any, doing: str) -> None:
        self._passed.append((doing, self._places[id(node)], self._device.moment()))


def _milliseconds(device: Any, run: Any, place: int) -> float:
    start = device.moment()
    run(place, place)
    took: float = device.milliseconds(start, device.moment())
    return took


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
