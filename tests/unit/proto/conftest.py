"""Hypothesis without a time limit: machines that are busy with other things are no failure."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
