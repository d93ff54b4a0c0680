"""Where there is no lock: why, and every way out, for a person and for a program."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from satlock.cli.terminal import say
from satlock.records import dataclass, replace

if TYPE_CHECKING:
    from satlock.cli.inputs import Inputs
    from satlock.cli.watching import Watched
    from satlock.corpora.remembered import Remembered
    from satlock.encoder.project.project import Project
    from satlock.solver.explaining.ways_out import WayOut, WaysOut
    from satlock.solver.search.search import NoLock

_MOST_FILES = 5
"""Files that an explanation names as left out."""
__all__ = ["Explanation", "Looking", "explanation_of", "with_ways_out"]


@dataclass(frozen=True)
class Explanation:
    """Why there is no lock, and what would change that."""

    story: tuple[str, ...]
    environment: dict[str, Any] | None
    """The witness; None where no single environment is to blame."""
    unknown: tuple[tuple[str, str], ...] = ()
    """What no index has, each with what may have been meant."""
    out: WaysOut | None = None
    """None where the source is no ``pyproject.toml``, which alone can be amended."""

    def ways(self, *, shown: bool = False) -> Iterator[str]:
        """The lines on the ways out; ``shown`` where each was told when it was found."""
        if self.out is None:
            return
        from satlock.solver.explaining.wording.ways import cut_short

        if not shown:
            if len(self.out.ways) == 1:
                yield "This makes it lock (it was tried):"
            elif self.out.ways:
                yield "Any one of these makes it lock (each was tried; the smallest change first):"
            for number, way in enumerate(self.out.ways, 1):
                yield f"  {number}. {way}"
        if self.out.wide:
            yield "Bounds that are gone here may only have to move: there was no time to look how far."
        more = f"There may be more: {cut_short(self.out.cut)}." if self.out.cut else ""
        if not self.out.ways:
            yield f"No way out was found. {more}".strip()
        elif more:
            yield more

    def data(self) -> dict[str, Any]:
        """What a program reads."""
        found: dict[str, Any] = {"explanation": list(self.story), "environment": self.environment}
        if self.unknown:
            found["unknown"] = [{"name": name, "meant": near or None} for name, near in self.unknown]
        if self.out is not None:
            found["ways-out"] = [way.as_json() for way in self.out.ways]
            found["ways-out-complete"] = not self.out.cut
            found["ways-out-narrowed"] = not self.out.wide
            if self.out.cut:
                from satlock.solver.explaining.wording.ways import cut_short

                found["ways-out-cut"] = cut_short(self.out.cut)
        return found


def explanation_of(
    none: NoLock, project: Project, watched: Watched | None = None, head: str = "No lock exists"
) -> Explanation:
    """The story of a *no*, without its ways out."""
    searched = watched.searched if watched is not None else {}
    from satlock.solver.explaining.explanation import explanation_of as explained
    from satlock.solver.explaining.explanation import reason_of

    where = none.witness
    environment = None
    if where is not None:
        environment = {"markers": dict(where.variables), "extras": list(where.extras), "groups": list(where.groups)}
    universe = none.universe
    found = explained(none, universe, searched, project.single_version)
    reason = reason_of(none, universe, searched, project.single_version)
    unknown = _unknown(none, project, watched) if watched is not None else []
    more: tuple[str, ...] = ()
    if len(unknown) > 1 or any(near and near not in found.meant for _, near in unknown):
        told = (f"{name} (was {near} meant?)" if near else name for name, near in unknown)
        more = (f"In no index that was asked: {', '.join(told)}.",)
    if watched is not None:
        from satlock.cli.doubts import files_left_out

        said = [f"{file} of {index} is left out: {why}." for name in searched
                for index, file, why in files_left_out(name, watched)]  # fmt: skip
        more = (*more, *said[:_MOST_FILES])
    story = (
        f"{head}: {reason}.",
        found.headline,
        *(f"  - {line}" for line in found.lines),
        *found.advice,
        *more,
    )
    return Explanation(story, environment, unknown=tuple(unknown))


def _unknown(none: NoLock, project: Project, watched: Watched) -> list[tuple[str, str]]:
    """What the project itself requires and no index has, each with what may have been meant."""
    from satlock.solver.explaining.unknown import unknown_names

    listed = [project.dependencies, *project.extras.values(), *project.groups.values()]
    names = [requirement.name for requirements in listed for requirement in requirements if not requirement.url]
    searched = {name: [index.rstrip("/") for index in indexes] for name, indexes in watched.searched.items()}
    found = {(index.rstrip("/"), name): listing for (index, name), listing in watched.found.items()}
    return unknown_names(names, searched, found, none.named, watched)


@dataclass(frozen=True)
class Looking:
    """How far ways out are looked for."""

    timeout: float | None = None
    """Seconds by the clock; None for what is usual."""
    enough: int = 0
    """Ways out after which the search ends; 0 for all."""


def with_ways_out(  # noqa: PLR0917
    told: Explanation,
    none: NoLock,
    given: Inputs,
    project: Project,
    corpus: Remembered,
    looking: Looking,
    on_way: Callable[[WayOut], None],
) -> Explanation:
    """Looks for the ways out, with what is known of the packages already.

    That there is no lock is known, and is told whatever comes of this.
    """
    if given.kind != "project":
        return told
    from satlock.encoder.project.tables import load
    from satlock.solver.explaining.correction_sets import Cut
    from satlock.solver.explaining.ways_out import Limits, WaysOut, ways_out

    try:
        document = load(project.path)
        index = given.index_for(project, corpus)
        limits = Limits(clock=looking.timeout, enough=looking.enough)
        out = ways_out(
            none,
            project,
            document,
            given.project,
            corpus,
            default_index=index,
            limits=limits,
            on_way=on_way,
            meant={name: near for name, near in told.unknown if near},
        )
        return replace(told, out=out)
    except Exception as error:
        said = " ".join(str(error).split())[:200].rstrip(".")
        if said == "Caught keyboard interrupt":  # PySAT catches the signal itself.
            raise
        if os.environ.get("SATLOCK_TRACEBACK"):
            import traceback

            say(traceback.format_exc())
        return replace(told, out=WaysOut((), Cut("fault", fault=f"{type(error).__name__} ({said})")))
