"""Alarm: says that what was found out once no longer holds, so nobody has to look each time."""

from __future__ import annotations

import weakref


class Alarm:
    """Is quiet as long as nothing has changed of what it was set on.

    Attributes:
        quiet: Whether it was set and has not rung since.
    """

    __slots__ = ("__weakref__", "quiet")

    def __init__(self) -> None:
        self.quiet = False


Alarms = set["weakref.ref[Alarm]"]


def set_alarm(alarms: Alarms, alarm: Alarm) -> None:
    """Put `alarm` among those that ring at the next change; it lives no longer for being there."""
    alarms.add(weakref.ref(alarm, alarms.discard))


def ring(alarms: Alarms) -> None:
    """Ring all alarms; each has to be set again."""
    for reference in tuple(alarms):
        alarm = reference()
        if alarm is not None:
            alarm.quiet = False
    alarms.clear()
