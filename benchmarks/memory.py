"""The peak of this process's memory since a moment."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path


def forget_peak() -> None:
    """Let the peak begin anew. Where that is not possible, it stays that of the whole process."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak() -> float:
    """Return the most memory that was resident, in MB; 0 where there is no ``/proc``."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0
