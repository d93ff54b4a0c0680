"""What is let go of an existing lock: ``--upgrade``, ``--upgrade-package``, ``--upgrade-group``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from satlock.cli.failures import WRONG, Ended
from satlock.cli.words import near
from satlock.records import dataclass

if TYPE_CHECKING:
    from satlock.encoder.project.project import Project, Requirement

__all__ = ["Upgrades", "upgrade_options", "warning_of_nowhere"]

_Callback = TypeVar("_Callback", bound=Callable[..., Any])


@dataclass(frozen=True)
class Upgrades:
    """What the options say."""

    everything: bool
    packages: tuple[Requirement, ...]
    """By name, with the versions that they are to have, if any."""
    groups: tuple[str, ...]

    @property
    def any(self) -> bool:
        """Whether something is let go of."""
        return self.everything or bool(self.packages) or bool(self.groups)

    @property
    def bounds(self) -> tuple[Requirement, ...]:
        """The versions that packages are to have: constraints of this run."""
        return tuple(package for package in self.packages if package.specifier)

    def lifted(self, project: Project) -> tuple[str, ...]:
        """The names of the packages whose locked versions do not count.

        Raises:
            Ended: there is no such group.
        """
        named = [package.name for package in self.packages]
        return tuple(dict.fromkeys((*named, *(name for group in self.groups for name in _listed_in(group, project)))))

    def nowhere(self, known: Iterable[str]) -> list[str]:
        """The names among ``--upgrade-package`` that are none of the known ones."""
        there = set(known)
        return [package.name for package in self.packages if package.name not in there]


def _listed_in(group: str, project: Project) -> list[str]:
    """The packages that a group lists, with those of the groups that it includes, in every member that has it."""
    places: list[tuple[Mapping[str, Sequence[Requirement]], Mapping[str, Sequence[str]]]] = [
        (project.groups, project.group_includes),
        *((member.groups, member.group_includes) for member in project.members),
    ]
    having = [place for place in places if group in place[0]]
    if not having:
        known = sorted({name for groups, _ in places for name in groups})
        there = f"; there are {', '.join(known)}" if known else ", and it has none"
        raise Ended(WRONG, f"--upgrade-group names {group!r}, which is no group of the project{there}.")
    found: list[str] = []
    for groups, includes in having:
        waiting, seen = [group], set[str]()
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                found += [requirement.name for requirement in groups.get(name, ())]
                waiting += includes.get(name, ())
    return found


def warning_of_nowhere(names: Sequence[str], known: Iterable[str]) -> str:
    """That packages were to be upgraded which nothing has to do with."""
    which = ", ".join(names)
    return f"--upgrade-package {which} has no effect: nothing of that name is locked{near(names[0], known)}"


def upgrade_options(command: _Callback) -> _Callback:
    """Adds these options to a command, which gets them as one argument ``upgrades``."""
    import functools

    @functools.wraps(command)
    def collected(
        *, upgrade: bool, upgrade_package: tuple[Requirement, ...], upgrade_group: tuple[str, ...], **others: Any
    ) -> Any:
        return command(upgrades=Upgrades(upgrade, upgrade_package, upgrade_group), **others)

    for option in reversed(_OPTIONS):
        option(collected)
    return collected  # type: ignore[return-value]


def _packages(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[Requirement, ...]:
    if not values:
        return ()
    from satlock.encoder.markers.specifiers import parse_requirement

    found = []
    for value in values:
        try:
            requirement = parse_requirement(value, "--upgrade-package")
        except ValueError:
            requirement = None
        if requirement is None or requirement.url or requirement.marker or requirement.extras:
            said = f"{value!r} is not the name of a package, with or without versions; write e.g. torch or 'torch<2.6'."
            raise click.BadParameter(said, ctx=ctx, param=parameter)
        found.append(requirement)
    return tuple(found)


def _groups(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        return ()
    from satlock.corpora.names import canonicalize_name

    return tuple(canonicalize_name(value) for value in values)


_OPTIONS = (
    click.option("-U", "--upgrade", is_flag=True, help="Do not keep to the lock that is there."),
    click.option(
        "-P",
        "--upgrade-package",
        multiple=True,
        metavar="NAME",
        callback=_packages,
        help="Do not keep to the locked version of NAME; with versions ('NAME<2'), take one of these (repeatable).",
    ),
    click.option(
        "--upgrade-group",
        multiple=True,
        metavar="NAME",
        callback=_groups,
        help="Do not keep to the locked versions of what the dependency group NAME lists (repeatable).",
    ),
)
