"""Alarm: says that what was found out once no longer holds, so nobody has to look each time."""

from __future__ import annotations

import weakref


class Alarm:
    """Is quiet as long as nothing has changed of what it was set on.

    Args:
        within: An alarm that rings whenever this one does.

    Attributes:
        quiet: Whether it has not rung.
    """

    __slots__ = ("__weakref__", "_within", "quiet")

    def __init__(self, within: Alarm | None = None) -> None:
        self._within = within
        self.quiet = True

    def ring(self) -> None:
        """Tell whoever looks that something has changed."""
        self.quiet = False
        if self._within is not None:
            self._within.ring()


Alarms = set["weakref.ref[Alarm]"]


def set_alarm(alarms: Alarms, alarm: Alarm) -> None:
    """Put `alarm` among those that ring at the next change; it lives no longer for being there."""
    alarms.add(weakref.ref(alarm, alarms.discard))


def ring(alarms: Alarms) -> None:
    """Ring all alarms; each has to be set again."""
    for reference in tuple(alarms):
        alarm = reference()
        if alarm is not None:
            alarm.ring()
    alarms.clear()
