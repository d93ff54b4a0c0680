"""The options that leave some environments of a lock: a Python, a platform, a choice of extras and groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import click

from satlock.cli.completing import extras, groups
from satlock.cli.failures import WRONG, Ended
from satlock.records import dataclass

if TYPE_CHECKING:
    from satlock.encoder.markers.structure import Marker
    from satlock.encoder.project.project import Choice, Project
    from satlock.solver.lockfiles.graph import LockGraph

__all__ = ["PLATFORMS", "Narrowing", "environments_of", "narrowing"]

Kind: TypeAlias = Literal["extra", "group"]

_Callback = TypeVar("_Callback", bound=Callable[..., Any])

PLATFORMS = {
    "linux": ("linux", "x86_64"),
    "macos": ("darwin", "arm64"),
    "windows": ("win32", "AMD64"),
    "x86_64-unknown-linux-gnu": ("linux", "x86_64"),
    "aarch64-unknown-linux-gnu": ("linux", "aarch64"),
    "x86_64-unknown-linux-musl": ("linux", "x86_64"),
    "aarch64-unknown-linux-musl": ("linux", "aarch64"),
    "x86_64-apple-darwin": ("darwin", "x86_64"),
    "aarch64-apple-darwin": ("darwin", "arm64"),
    "x86_64-pc-windows-msvc": ("win32", "AMD64"),
    "aarch64-pc-windows-msvc": ("win32", "ARM64"),
    "i686-pc-windows-msvc": ("win32", "x86"),
}
"""The names of platforms that uv has, as values of ``sys_platform`` and ``platform_machine``."""


@dataclass(frozen=True)
class Narrowing:
    """What the options say."""

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    no_extras: bool = False
    no_groups: bool = False
    python: str | None = None
    platform: str | None = None

    @property
    def any(self) -> bool:
        """Whether anything is left out."""
        return self != Narrowing()

    def apply(self, graph: LockGraph) -> LockGraph:
        """The lock within these environments alone.

        Raises:
            ProjectError: it is for none of them.
            Ended: it does not have an extra or a group.
        """
        from satlock.encoder.markers.marker import from_marker
        from satlock.solver.lockfiles.graph import narrowed

        choices = self.choices(graph.choices, "The lock")
        if not choices and self.python is None and self.platform is None:
            return graph
        return narrowed(graph, from_marker(environments_of(self.python, self.platform)), choices)

    def marker(self, project: Project) -> Marker | None:
        """What a marker of the project's settings says of these environments; None where it is all of them.

        Raises:
            Ended: the project does not have an extra or a group.
        """
        from satlock.encoder.markers.structure import Marker

        place = environments_of(self.python, self.platform)
        offered = {"extra": sorted(project.extras), "group": sorted(project.groups)}
        choices = self.choices(lambda kind: offered[kind], "The project")
        variables = {"extra": "extras", "group": "dependency_groups"}
        parts = [] if place is None else [str(place)]
        for choice, chosen in choices.items():
            parts.append(f"'{choice.name}' {'in' if chosen else 'not in'} {variables[choice.kind]}")
        return Marker(" and ".join(parts)) if parts else None

    def choices(self, offered: Callable[[Kind], Iterable[str]], whose: str) -> dict[Choice, bool]:
        """Which extras and groups are chosen, and which are not, as far as that is said.

        Args:
            offered: the extras or groups that there are, sorted.
            whose: what has them, for a sentence that begins with it.

        Raises:
            Ended: there is no such extra or group.
        """
        from satlock.corpora.names import canonicalize_name
        from satlock.encoder.project.project import Choice

        found: dict[Choice, bool] = {}
        kinds: tuple[tuple[Kind, tuple[str, ...], bool], ...] = (
            ("extra", self.extras, self.no_extras),
            ("group", self.groups, self.no_groups),
        )
        for kind, names, none in kinds:
            if not names and not none:
                continue
            known = list(offered(kind))
            wanted = {str(canonicalize_name(name)) for name in names}
            for name in sorted(wanted - set(known)):
                there = f"it has {', '.join(known)}" if known else "it has none"
                raise Ended(WRONG, f"{whose} has no {kind} {name!r}; {there}.")
            found |= {Choice(kind, name): name in wanted for name in known}
        return found


def narrowing(command: _Callback) -> _Callback:
    """Adds the options to a command, which gets them as one argument ``within``."""
    import functools

    @functools.wraps(command)
    def collected(
        *,
        extra: tuple[str, ...],
        group: tuple[str, ...],
        no_extras: bool,
        no_groups: bool,
        python_version: str | None,
        platform: str | None,
        **others: Any,
    ) -> Any:
        within = Narrowing(extra, group, no_extras, no_groups, python_version, platform)
        return command(within=within, **others)

    for option in reversed(_OPTIONS):
        option(collected)
    return collected  # type: ignore[return-value]


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--extra",
        multiple=True,
        metavar="NAME",
        shell_complete=extras,
        help="With this extra, and no other that is not named.",
    ),
    click.option(
        "--group",
        multiple=True,
        metavar="NAME",
        shell_complete=groups,
        help="With this group, and no other that is not named.",
    ),
    click.option("--no-extras", is_flag=True, help="With no extra chosen."),
    click.option("--no-groups", is_flag=True, help="With no dependency group chosen."),
    click.option("--python-version", metavar="X.Y", help="On this Python alone."),
    click.option(
        "--platform",
        metavar="NAME",
        help="On this platform alone, as uv names it: linux, macos, windows, aarch64-unknown-linux-gnu, …",
    ),
)


def environments_of(python: str | None, platform: str | None) -> Marker | None:
    """The environments that are asked for. Raises Ended where one of the words is none."""
    from packaging.version import InvalidVersion, Version

    from satlock.encoder.markers.structure import Marker

    parts = []
    if python is not None:
        try:
            release = Version(python).release
        except InvalidVersion:
            release = ()
        if len(release) not in (2, 3):
            raise click.BadParameter(
                f"{python!r} is not a Python such as 3.12 or 3.12.4.", param_hint="--python-version"
            )
        variable = "python_version" if len(release) == 2 else "python_full_version"
        parts.append(f"{variable} == '{'.'.join(map(str, release))}'")
    if platform is not None:
        if platform not in PLATFORMS:
            raise click.BadParameter(f"{platform!r} is none of {', '.join(PLATFORMS)}.", param_hint="--platform")
        system, machine = PLATFORMS[platform]
        parts.append(f"sys_platform == '{system}' and platform_machine == '{machine}'")
    if len(parts) == 2:
        parts.append("implementation_name == 'cpython' and platform_python_implementation == 'CPython'")
    return Marker(" and ".join(parts)) if parts else None
