"""The options that ``lock``, ``why``, ``conflicts`` and others share, as ``click`` has them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

__all__ = ["BESIDE", "OBJECTIVES", "OPTIONS", "WHERE_FROM"]

OBJECTIVES = ("fresh", "newest-first", "lowest", "lowest-direct")


def _named_indexes(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """By name; an index without a name is there under its own address."""
    named: dict[str, str] = {}
    for value in map(str.strip, values):
        name, equals, url = value.partition("=")
        if not equals or ("://" in name and "://" not in url):
            name = url = value
        if not (name.strip() and url.strip()) or (name == url and not re.search(r"[/\\]", url)):
            raise click.BadParameter(f"{value!r} is neither NAME=URL nor URL.", ctx=ctx, param=parameter)
        named[name.strip()] = url.strip()
    return named


def _in_folder(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    """Works in another folder from here on; its name is kept for commands that are printed."""
    if value is None or ctx.resilient_parsing:
        return
    ctx.meta[parameter.name or ""] = value
    try:
        os.chdir(value)
    except OSError as error:
        said = f"{value} cannot be worked in ({error.strerror or error})."
        raise click.BadParameter(said, ctx=ctx, param=parameter) from None


def _pythons(ctx: click.Context, parameter: click.Parameter, value: str | None) -> SpecifierSet | None:
    if value is None:
        return None
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(value)
    except InvalidSpecifier:
        advice = "write it as in PEP 440, e.g. '>=3.11'."
        raise click.BadParameter(f"{value!r} is not a version specifier; {advice}", ctx=ctx, param=parameter) from None


BESIDE: Callable[[Any], Any] = click.option(
    "--project",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder with pyproject.toml; the lockfile's by default.",
)
WHERE_FROM: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "-i",
        "--default-index",
        "--index-url",
        "default_index",
        metavar="URL",
        help="The index for packages that are not pinned to another; PyPI by default.",
    ),
    click.option(
        "--index",
        multiple=True,
        metavar="[NAME=]URL",
        callback=_named_indexes,
        help="Add an index before the project's, or replace the address of a named one (repeatable).",
    ),
    click.option(
        "--corpus",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="A recorded snapshot in place of every index: nothing is fetched.",
    ),
    click.option("--offline", is_flag=True, envvar="UV_OFFLINE", help="Use only what the cache holds."),
    click.option(
        "--cache-dir",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Where metadata is kept between runs; the user's cache folder by default.",
    ),
    click.option(
        "-n",
        "--no-cache",
        is_flag=True,
        envvar="UV_NO_CACHE",
        help="Keep nothing between runs, and use nothing that was kept.",
    ),
    click.option(
        "--directory",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        is_eager=True,
        expose_value=False,
        callback=_in_folder,
        envvar=["UV_WORKING_DIR", "UV_WORKING_DIRECTORY"],
        help="Work in this folder, which paths on the command line then start from.",
    ),
)
OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--project",
        type=click.Path(path_type=Path),
        default=Path("."),
        metavar="DIR",
        envvar="UV_PROJECT",
        help="The folder with pyproject.toml, a script or a requirements file; this folder by default.",
    ),
    *WHERE_FROM,
    click.option(
        "--http-timeout",
        type=click.FloatRange(min=0.001),
        metavar="SECONDS",
        help="Give a server up after this long without a byte; 30 seconds by default.",
    ),
    click.option(
        "--requires-python",
        metavar="SPEC",
        callback=_pythons,
        help="Which Pythons the lock is for, e.g. '>=3.11', in place of what the project says.",
    ),
    click.option(
        "--objective",
        type=click.Choice(OBJECTIVES),
        help="Which of all valid locks: as the project's resolution setting says, else fresh. "
        "fresh is the one with the fewest days behind the newest versions, proven.",
    ),
)
