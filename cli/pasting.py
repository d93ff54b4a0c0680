"""Commands that are printed to be pasted: with the options that make them ask of the same project in the same way."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator
from typing import Any

import click

__all__ = ["given_options", "options_for"]

_OF_THE_OUTPUT = frozenset(("as_json", "quiet", "verbose"))


def given_options(*, without: Collection[str] = ()) -> str:
    """The options and arguments of this run as they were typed, without credentials and those on what is printed.

    Empty, or with a space before them.

    Args:
        without: further parameters that are left out.
    """
    from satlock.corpora.index.redaction import redacted

    context = click.get_current_context()
    words: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        typed = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if not typed or name in _OF_THE_OUTPUT or name in without:
            continue
        if isinstance(parameter, click.Option):
            words += _words(parameter, context.params.get(name, context.meta.get(name)))
        else:
            words.append(str(context.params.get(name)))
    return "".join(f" {shlex.quote(redacted(word))}" for word in words)


def options_for(command: str) -> str:
    """Those of the options of this run that another command of satlock has too, as :func:`given_options` tells them."""
    context = click.get_current_context()
    root = context.find_root().command
    other = root.get_command(context, command) if isinstance(root, click.Group) else None
    theirs = {parameter.name for parameter in other.params if isinstance(parameter, click.Option)} if other else set()
    return given_options(without={parameter.name or "" for parameter in context.command.params} - theirs)


def _words(option: click.Option, value: Any) -> Iterator[str]:
    spelled = max(option.opts, key=len)
    if option.is_flag:
        yield spelled if value or not option.secondary_opts else max(option.secondary_opts, key=len)
        return
    if isinstance(value, dict):
        several: list[Any] = [key if one == key else f"{key}={_text(one)}" for key, one in value.items()]
    else:
        several = list(value) if option.multiple else [value]
    for one in several:
        yield spelled
        yield _text(one)


def _text(value: Any) -> str:
    """A value of an option as it is written: what was read of a requirement has its own text."""
    return "false" if value is False else str(getattr(value, "text", value))
