"""How long this process has been waiting for a processor: what other work costs a measurement."""

from __future__ import annotations

from pathlib import Path


def waited() -> float:
    """Return the seconds that all threads of this process have been ready to run, but did not.

    0 where there is no ``/proc``.
    """
    nanoseconds = 0
    for file in Path("/proc/self/task").glob("*/schedstat"):
        try:
            nanoseconds += int(file.read_text().split()[1])
        except OSError:  # the thread has ended
            continue
    return nanoseconds * 1e-9
