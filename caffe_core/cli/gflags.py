"""Command lines as gflags reads them: one dash or two, ``-flag value`` or ``-flag=value``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from caffe_core.errors import did_you_mean

_FLAG = re.compile(r"--?(?P<name>[A-Za-z][\w-]*)(?:=(?P<value>.*))?", re.DOTALL)
_TRUE = {"true", "t", "yes", "y", "1"}
_FALSE = {"false", "f", "no", "n", "0"}


class Parser(argparse.ArgumentParser):
    """An argument parser for one command.

    A flag is declared with two dashes. It may then be written with one, and with ``_`` for ``-``; a
    flag without a value may also be written ``-noflag`` or ``--flag=false``.

    Args:
        supplied_by: Flags that a plugin adds when it is installed, each with the distribution to
            install.
    """

    def __init__(self, *, supplied_by: Mapping[str, str] | None = None, **options: Any):
        super().__init__(allow_abbrev=False, **options)
        self.supplied_by = supplied_by or {}

    def parse_flags(self, argv: Sequence[str]) -> argparse.Namespace:
        """Return what `argv` says; says why and exits 2 if it cannot be understood."""
        args: argparse.Namespace
        args, unknown = self.parse_known_args(argv)
        if unknown:
            self.error(self._explain(unknown[0]))
        return args

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Respell the flags first; for argparse, which calls this for subcommands too."""
        return super().parse_known_args(list(self._respelled(iter(args))), namespace)

    def error(self, message: str) -> NoReturn:
        """Print `message` to standard error and exit 2."""
        self.exit(2, f"{self.prog}: {message}\n`{self.prog} --help` shows the flags.\n")

    def _respelled(self, tokens: Iterator[str]) -> Iterator[str]:
        """Spell every known flag as it was declared."""
        for token in tokens:
            if token == "--":
                yield token
                yield from tokens
                return
            flag = _FLAG.fullmatch(token)
            known = self._flag(flag["name"], flag["value"], tokens) if flag else None
            yield from [token] if known is None else known

    def _flag(self, name: str, value: str | None, rest: Iterator[str]) -> list[str] | None:
        """Return one flag respelled, with its value even if that comes next; None if unknown."""
        option = self._option(name)
        if option is None:
            negated = self._option(name[2:]) if name.startswith("no") else None
            return self._switch(negated, on=False) if negated else None
        action = self._option_string_actions[option]
        if action.nargs == 0:
            return self._switch(option, on=self._truth(option, value))
        if value is None and action.nargs is None:
            value = next(rest, None)  # whatever it looks like: `-gpu -1`
        return [option if value is None else f"{option}={value}"]

    def _switch(self, option: str, on: bool) -> list[str] | None:
        """Return a flag without a value; one that can only be put on is left out for off."""
        if self._option_string_actions[option].nargs != 0:
            return None
        opposite = f"--no-{option[2:]}"
        if on:
            return [option]
        return [opposite] if opposite in self._option_string_actions else []

    def _truth(self, option: str, value: str | None) -> bool:
        word = "true" if value is None else value.lower()
        if word not in _TRUE | _FALSE:
            self.error(f"{option} is true or false, not {value!r}")
        return word in _TRUE

    def _option(self, name: str) -> str | None:
        """The declared spelling of a flag."""
        spellings = (f"--{name}", f"--{name.replace('_', '-')}", f"--{name.replace('-', '_')}")
        known = (*spellings, f"-{name}")
        return next((each for each in known if each in self._option_string_actions), None)

    def _explain(self, token: str) -> str:
        flag = _FLAG.fullmatch(token)
        if not flag:
            return f"unexpected argument {token!r}"
        distribution = self.supplied_by.get(flag["name"])
        if distribution:
            return f"--{flag['name']} comes with a plugin: pip install {distribution}"
        known = [option.lstrip("-") for option in self._option_string_actions]
        return f"unknown flag {token!r}.{did_you_mean(flag['name'], known)}"


def find_command(argv: Sequence[str], known: Iterable[str]) -> int | None:
    """Return where in `argv` the command stands; flags may come before it.

    A word after a flag without ``=`` is taken as that flag's value, unless no other word can be the
    command. None where there is no word at all.
    """
    known = set(known)
    words = [index for index, token in enumerate(argv) if not token.startswith("-")]
    free = [i for i in words if i == 0 or "=" in argv[i - 1] or not argv[i - 1].startswith("-")]
    named = [[i for i in where if argv[i] in known] for where in (free, words)]
    return next((found[0] for found in (named[0], free, named[1], words) if found), None)
