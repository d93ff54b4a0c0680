"""``satlock export``: a lock as a ``requirements.txt`` with hashes, for one choice of extras and groups."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from satlock.cli import completing
from satlock.cli.failures import WRONG, Ended
from satlock.cli.lockfile import Target, lockfile_in
from satlock.cli.narrowing import PLATFORMS, environments_of
from satlock.cli.terminal import say, say_warning
from satlock.cli.words import count
from satlock.records import dataclass

if TYPE_CHECKING:
    from satlock.encoder.markers.structure import Marker
    from satlock.encoder.project.values import Value
    from satlock.solver.lockfiles.model import Lockfile, Switch
    from satlock.solver.writing.requirements_txt import Pins

__all__ = ["export"]

_FORMATS = ("requirements.txt", "requirements-txt", "cyclonedx", "cyclonedx1.4", "cyclonedx1.5", "cyclonedx1.6")
"""``requirements-txt`` and ``cyclonedx1.5`` are what uv calls them."""


def _choice(name: str, parameter: str, completed: Callable[..., list[str]], help: str) -> Callable[..., Any]:
    """An option that names extras or groups."""
    return click.option(name, parameter, multiple=True, metavar="NAME", shell_complete=completed, help=help)


@click.command()
@click.argument("lockfile", required=False, type=click.Path(path_type=Path))
@_choice("--extra", "extras", completing.extras, "Install this extra too (repeatable).")
@click.option("--all-extras", is_flag=True, help="Install every extra.")
@_choice("--group", "groups", completing.groups, "Install this group too (repeatable).")
@click.option("--all-groups", is_flag=True, help="Install every dependency group.")
@_choice("--no-group", "no_groups", completing.groups, "Leave out this group (repeatable).")
@click.option("--no-default-groups", is_flag=True, help="Leave out the groups that are installed by default.")
@click.option("--python-version", metavar="X.Y", help="For this Python alone; markers on it are then decided.")
@click.option(
    "--platform",
    metavar="NAME",
    help=f"For this platform alone, as uv names it: {', '.join(list(PLATFORMS)[:3])}, aarch64-unknown-linux-gnu, …",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default=_FORMATS[0],
    metavar="NAME",
    help="requirements.txt (the default), or a bill of materials: cyclonedx, or cyclonedx1.4 to cyclonedx1.6.",
)
@click.option(
    "--whole-lock", is_flag=True, help="For cyclonedx: every package of the lock, each with where it is installed."
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
    form: str,
    whole_lock: bool,
    no_hashes: bool,
    no_index_lines: bool,
    output: str | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Write a lock as a requirements.txt with hashes, or as a CycloneDX bill of materials.

    LOCKFILE is a pylock.toml or a uv.lock; the one in this folder by default. The choice of extras and groups is made
    here; markers on the platform and the Python are kept where they are not decided. The project itself is left out.
    """
    from satlock.solver.lockfiles.reading import parse, read_lockfile

    path = lockfile or lockfile_in(Path())
    reading = read_lockfile(path)
    lock = reading.lockfile
    materials = form.startswith("cyclonedx")
    if lock.kind not in ("pylock", "uv") and not materials:
        raise Ended(WRONG, f"{path} is a {lock.kind}.lock; satlock exports pylock.toml and uv.lock.")
    if whole_lock and (not materials or extras or groups or all_extras or all_groups):
        raise click.UsageError("--whole-lock is for --format cyclonedx, without a choice of extras and groups.")
    top = parse(path)
    chosen_extras = _chosen("extra", lock, extras, everything=all_extras, empty=_empty_extras(top))
    chosen_groups = _chosen("group", lock, groups, everything=all_groups)
    left_out = _chosen("group", lock, no_groups)
    if not no_default_groups and not whole_lock:
        chosen_groups = list(dict.fromkeys([*_default_groups(path, lock), *chosen_groups]))
    chosen_groups = [group for group in chosen_groups if group not in left_out]
    choice = None if whole_lock else _Choice(tuple(chosen_extras), tuple(chosen_groups))
    target = Target(None if output in (None, "-") else Path(output or ""))
    environments = environments_of(python_version, platform)
    if materials:
        target.write(_materials(path, choice, environments, form.removeprefix("cyclonedx") or "1.5"))
        if target.path is not None and not quiet:
            say(f"Exported: a bill of materials ({target})")
        return
    assert choice is not None
    pins = _pins(path, choice, environments, target)
    header = [f"Written by satlock export from {path.name}{choice}; lock again to change."]
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
        say(f"Exported: {count(len(pins.requirements), 'pin')} ({target})")
        for index in pins.indexes if verbose else ():
            say(f"  from {index}")


@dataclass(frozen=True)
class _Choice:
    """The extras and groups that are installed."""

    extras: tuple[str, ...]
    groups: tuple[str, ...]

    def switches(self, lock: Lockfile) -> set[Switch]:
        from satlock.solver.lockfiles.model import Switch

        chosen = {Switch("extra", name) for name in self.extras} | {Switch("group", name) for name in self.groups}
        return chosen | _always(lock)

    def __str__(self) -> str:
        parts = [f"{what} {', '.join(names)}" for what, names in (("extras", self.extras), ("groups", self.groups))
                 if names]  # fmt: skip
        return f" ({'; '.join(parts)})" if parts else ""


def _pins(path: Path, choice: _Choice, environments: Marker | None, target: Target) -> Pins:
    from satlock.solver.lockfiles.installed import installed
    from satlock.solver.lockfiles.reading import packages_of, read_lockfile
    from satlock.solver.writing.requirements_txt import pins_of

    reading = read_lockfile(path)
    lock = reading.lockfile
    found = installed(lock, choice.switches(lock), environments)
    beside = Path.cwd() if target.path is None else target.path.parent
    return pins_of(lock.kind, found, packages_of(reading), _relative(path.parent, beside))


def _materials(path: Path, choice: _Choice | None, environments: Marker | None, version: str) -> str:
    """The bill of materials. Raises Ended where the library for it is not there."""
    try:
        from satlock.solver.writing.cyclonedx import to_cyclonedx
    except ImportError:
        advice = "Install it with satlock's extra sbom: satlock[sbom]."
        raise Ended(WRONG, "A bill of materials needs cyclonedx-python-lib, which is not installed.", advice) from None
    from importlib.metadata import version as version_of

    from satlock.corpora.index.default_index import standard_index_url
    from satlock.encoder.markers.marker import from_marker
    from satlock.encoder.project.project import Choice
    from satlock.solver.lockfiles.graph import graph_of, narrowed
    from satlock.solver.lockfiles.installed import Installed, installed

    graph = graph_of(path)
    known: dict[Choice, bool] = {}
    if choice is not None:
        extras, groups = ({name: name in chosen for name in graph.choices(kind)} for kind, chosen in
                          (("extra", choice.extras), ("group", choice.groups)))  # fmt: skip
        known = {Choice("extra", name): on for name, on in extras.items()}
        known |= {Choice("group", name): on for name, on in groups.items()}
    graph = narrowed(graph, from_marker(environments), known)
    if choice is None:
        found = tuple(Installed(entry, graph.marker(graph.regions[entry.number])) for entry in graph.packages)
    else:
        found = installed(graph.lockfile, choice.switches(graph.lockfile), environments)
    return to_cyclonedx(
        graph,
        found,
        default_index=standard_index_url(),
        choice=f"{choice or 'whole lock'} {environments or ''}",
        satlock=version_of("satlock"),
        version=version,
    )


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
    from satlock.corpora.names import canonicalize_name

    known = [name for one, name in lock.switches if one == kind]
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

    known = {name for kind, name in lock.switches if kind == "group"}
    if lock.kind == "pylock":
        stated = parse(path).get("default-groups")
        names = [item.name("name of a group") for item in stated.items()] if stated else []
    else:
        names = _default_groups_of_project(path.parent / "pyproject.toml", known)
    return [name for name in names if name in known]


def _default_groups_of_project(path: Path, known: set[str]) -> list[str]:
    from satlock.encoder.project.settings import read_default_groups
    from satlock.solver.lockfiles.pyproject import read_pyproject

    for table in reversed(read_pyproject(path).settings):
        if "default-groups" in table:
            return list(read_default_groups(table["default-groups"], sorted(known)))
    return ["dev"]


def _always(lock: Lockfile) -> set[Switch]:
    """What is on without being chosen: the projects of a uv.lock and what they always install."""
    from satlock.solver.lockfiles.model import Switch

    if lock.kind != "uv":
        return {"poetry": {Switch("group", "main")}, "pdm": {Switch("group", "default")}}.get(lock.kind, set())
    return {switch for switch in lock.switches if switch.kind in ("production", "project")}


def _relative(folder: Path, start: Path) -> Path:
    """A folder as seen from where the file is written; as it is where there is no such way."""
    try:
        return Path(os.path.relpath(folder, start))
    except ValueError:
        return folder.resolve()


def _is_the_default_of_pip(indexes: Sequence[str]) -> bool:
    from satlock.corpora.index.default_index import standard_index_url

    return [index.rstrip("/") for index in indexes] in ([], [standard_index_url().rstrip("/")])
