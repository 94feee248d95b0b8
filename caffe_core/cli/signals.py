"""What SIGINT and SIGHUP do to training, and SIGINT while it is made ready."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

EFFECTS = ("snapshot", "stop", "none")


@contextmanager
def signals_to(solver: Any, sigint_effect: str, sighup_effect: str) -> Iterator[None]:
    """Turn signals into requests to `solver` as long as the context lasts.

    The solver obeys between two iterations. A second SIGINT after one that means ``stop`` does not
    wait for it and raises `KeyboardInterrupt` at once.

    Args:
        solver: Has ``request("snapshot")`` and ``request("stop")``.
        sigint_effect: One of `EFFECTS`; for Ctrl-C.
        sighup_effect: One of `EFFECTS`; for a terminal that closes.
    """
    effects = {signal.SIGINT: sigint_effect}
    if hasattr(signal, "SIGHUP"):  # not on Windows
        effects[signal.SIGHUP] = sighup_effect

    def obey(number: int, frame: object) -> None:
        effect = effects[signal.Signals(number)]
        if effect != "none":
            solver.request(effect)
        if number == signal.SIGINT and effect == "stop":
            signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, obey) for number in effects}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interrupts_kept() -> Iterator[None]:
    """Raise `KeyboardInterrupt` for a SIGINT, at the end of the context if it was lost before.

    Python drops what is raised while an object is freed, and with it an interrupt that comes then.

    Raises:
        KeyboardInterrupt: There was one.
    """
    came = False

    def note(number: int, frame: object) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
