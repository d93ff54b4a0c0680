"""``satlock export``: a lock as a ``requirements.txt`` with hashes, for one choice of extras and groups."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from satlock.cli.failures import WRONG, Ended
from satlock.cli.lockfile import Target, lockfile_in
from satlock.cli.narrowing import PLATFORMS, environments_of
from satlock.cli.terminal import say, say_warning

if TYPE_CHECKING:
    from satlock.encoder.project.values import Value
    from satlock.solver.lockfiles.model import Lockfile

__all__ = ["export"]


@click.command()
@click.argument("lockfile", required=False, type=click.Path(path_type=Path))
@click.option("--extra", "extras", multiple=True, metavar="NAME", help="Install this extra too (repeatable).")
@click.option("--all-extras", is_flag=True, help="Install every extra.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="Install this group too (repeatable).")
@click.option("--all-groups", is_flag=True, help="Install every dependency group.")
@click.option("--no-group", "no_groups", multiple=True, metavar="NAME", help="Leave out this group (repeatable).")
@click.option("--no-default-groups", is_flag=True, help="Leave out the groups that are installed by default.")
@click.option("--python-version", metavar="X.Y", help="For this Python alone; markers on it are then decided.")
@click.option(
    "--platform",
    metavar="NAME",
    help=f"For this platform alone, as uv names it: {', '.join(list(PLATFORMS)[:3])}, aarch64-unknown-linux-gnu, …",
)
@click.option("--no-hashes", is_flag=True, help="Leave out the hashes.")
@click.option("--no-index-lines", is_flag=True, help="Leave out --index-url and --extra-index-url.")
@click.option("-o", "--output", metavar="FILE", help="The file to write; standard output by default.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Say more.")
def export(  # noqa: PLR0917
    lockfile: Path | None,
    extras: tuple[str, ...],
    all_extras: bool,
    groups: tuple[str, ...],
    all_groups: bool,
    no_groups: tuple[str, ...],
    no_default_groups: bool,
    python_version: str | None,
    platform: str | None,
    no_hashes: bool,
    no_index_lines: bool,
    output: str | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Write a lock as a requirements.txt with hashes.

    LOCKFILE is a pylock.toml or a uv.lock; the one in this folder by default. The choice of extras and groups is made
    here; markers on the platform and the Python are kept where they are not decided. The project itself is left out.
    """
    from satlock.solver.lockfiles.installed import installed
    from satlock.solver.lockfiles.reading import parse, read_lockfile
    from satlock.solver.writing.requirements_txt import pins_of

    path = lockfile or lockfile_in(Path())
    reading = read_lockfile(path)
    lock = reading.lockfile
    if lock.kind not in ("pylock", "uv"):
        raise Ended(WRONG, f"{path} is a {lock.kind}.lock; satlock exports pylock.toml and uv.lock.")
    top = parse(path)
    chosen_extras = _chosen("extra", lock, extras, everything=all_extras, empty=_empty_extras(top))
    chosen_groups = _chosen("group", lock, groups, everything=all_groups)
    left_out = _chosen("group", lock, no_groups)
    if not no_default_groups:
        chosen_groups = list(dict.fromkeys([*_default_groups(path, lock), *chosen_groups]))
    chosen_groups = [group for group in chosen_groups if group not in left_out]
    switches = {*(f"extra {name}" for name in chosen_extras), *(f"group {name}" for name in chosen_groups)}
    switches |= _always(lock)
    found = installed(lock, switches, environments_of(python_version, platform))
    tables = top["packages" if lock.kind == "pylock" else "package"].raw if found else []
    assert isinstance(tables, list)
    target = Target(None if output in (None, "-") else Path(output or ""))
    beside = Path.cwd() if target.path is None else target.path.parent
    pins = pins_of(lock.kind, found, tables, _relative(path.parent, beside))
    header = [f"Written by satlock export from {path.name}{_said(chosen_extras, chosen_groups)}; lock again to change."]
    index_lines = not no_index_lines and not _is_the_default_of_pip(pins.indexes)
    if index_lines and len(pins.indexes) > 1:
        header.append("uv asks only the first index that knows a name: install with --index-strategy unsafe-best-match")
    target.write(pins.text(header, hashes=not no_hashes, index_lines=index_lines))
    if pins.without_hashes and not no_hashes:
        say_warning(
            f"{', '.join(pins.without_hashes)} can have no hash here (a folder, a repository, or an index without), "
            "so pip does not install this file with --require-hashes."
        )
    if target.path is not None and not quiet:
        say(f"Exported: {len(pins.requirements)} pins ({target})")
        for index in pins.indexes if verbose else ():
            say(f"  from {index}")


def _empty_extras(top: dict[str, Value]) -> set[str]:
    """The extras without dependencies of the projects of a uv.lock: they can be chosen, which changes nothing."""
    found: set[str] = set()
    for package in top["package"].items() if "package" in top else ():
        table = package.table()
        metadata = table["metadata"].table() if "metadata" in table else {}
        if "provides-extras" in metadata:
            found.update(item.name("name of an extra") for item in metadata["provides-extras"].items())
    return found


def _chosen(
    kind: str, lock: Lockfile, names: Sequence[str], *, everything: bool = False, empty: Collection[str] = ()
) -> list[str]:
    """The extras or groups of these names; all of the lock's on request. Raises Ended where it has none such."""
    from packaging.utils import canonicalize_name

    known = [switch.partition(" ")[2] for switch in lock.switches if switch.startswith(f"{kind} ")]
    found = list(known) if everything else []
    for name in map(canonicalize_name, names):
        if name not in known and name not in empty:
            offered = f"it has {', '.join(known)}" if known else "it has none"
            raise Ended(WRONG, f"The lock has no {kind} {name!r}; {offered}.")
        if name not in found:
            found.append(name)
    return found


def _default_groups(path: Path, lock: Lockfile) -> list[str]:
    """The groups that are installed unless a person says otherwise."""
    from satlock.solver.lockfiles.reading import parse

    known = {switch.partition(" ")[2] for switch in lock.switches if switch.startswith("group ")}
    if lock.kind == "pylock":
        stated = parse(path).get("default-groups")
        names = [item.name("name of a group") for item in stated.items()] if stated else []
    else:
        names = _default_groups_of_project(path.parent / "pyproject.toml", known)
    return [name for name in names if name in known]


def _default_groups_of_project(path: Path, known: set[str]) -> list[str]:
    from satlock.encoder.project.settings import read_default_groups
    from satlock.solver.lockfiles.reading import parse

    tools = parse(path)["tool"].table() if path.is_file() and "tool" in parse(path) else {}
    for name in ("satlock", "uv"):
        table = tools[name].table() if name in tools else {}
        if "default-groups" in table:
            return list(read_default_groups(table["default-groups"], sorted(known)))
    return ["dev"]


def _always(lock: Lockfile) -> set[str]:
    """What is on without being chosen: the projects of a uv.lock and what they always install."""
    if lock.kind != "uv":
        return set()
    return {switch for switch in lock.switches if switch == "production" or switch.startswith("project ")}


def _relative(folder: Path, start: Path) -> Path:
    """A folder as seen from where the file is written; as it is where there is no such way."""
    try:
        return Path(os.path.relpath(folder, start))
    except ValueError:
        return folder.resolve()


def _said(extras: Sequence[str], groups: Sequence[str]) -> str:
    parts = [f"{what} {', '.join(names)}" for what, names in (("extras", extras), ("groups", groups)) if names]
    return f" ({'; '.join(parts)})" if parts else ""


def _is_the_default_of_pip(indexes: Sequence[str]) -> bool:
    from satlock.corpora.index.default_index import standard_index_url

    return [index.rstrip("/") for index in indexes] in ([], [standard_index_url().rstrip("/")])
