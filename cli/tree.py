"""``satlock tree``: which package of a lock is there because of which, by environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from satlock.cli import completing
from satlock.cli.failures import WRONG, Ended
from satlock.cli.lockfile import lockfile_in
from satlock.cli.narrowing import Narrowing, narrowing
from satlock.cli.report import print_report
from satlock.cli.shared_options import BESIDE
from satlock.cli.terminal import marked, show
from satlock.cli.words import clear
from satlock.records import dataclass, field

if TYPE_CHECKING:
    from satlock.encoder.markers.marker import Formula
    from satlock.solver.lockfiles.graph import LockGraph, Step

__all__ = ["tree"]


@click.command()
@click.argument("lockfile", required=False, type=click.Path(path_type=Path))
@click.option(
    "--package",
    "packages",
    multiple=True,
    metavar="NAME",
    shell_complete=completing.packages,
    help="Begin at this package (repeatable), not the project.",
)
@click.option("--invert", is_flag=True, help="Show who requires a package instead of what it requires.")
@click.option("--depth", "-d", type=click.IntRange(min=0), metavar="N", help="Go at most N steps from where it begins.")
@narrowing
@BESIDE
@click.option("--json", "as_json", is_flag=True, help="Print the steps as an object.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Tell of every package where it comes from.")
def tree(  # noqa: PLR0917
    lockfile: Path | None,
    packages: tuple[str, ...],
    invert: bool,
    depth: int | None,
    within: Narrowing,
    project: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Show why each package of a lock is there: a tree of who requires what, and where.

    LOCKFILE is a pylock.toml, uv.lock, poetry.lock or pdm.lock; the one in this folder by default. A marker beside a
    package says in which of the environments of what requires it; (*) that what it requires stands further up.
    """
    from satlock.solver.lockfiles.graph import graph_of

    graph = within.apply(graph_of(lockfile or lockfile_in(project or Path()), project))
    drawn = _Drawn(graph, invert, depth, verbose)
    starts = _starts(graph, packages, invert)
    if as_json:
        print_report("tree", _data(graph))
        return
    for line in drawn.lines(starts) if not quiet else ():
        show(line)


def _starts(graph: LockGraph, names: Sequence[str], invert: bool) -> list[int | None]:
    """Where the trees begin. Raises Ended where a name is not in the lock."""
    from satlock.cli.words import near
    from satlock.corpora.names import canonicalize_name

    numbers = [entry.number for entry in graph.packages]
    if names:
        known = graph.lockfile.named()
        found: list[int | None] = []
        for name in map(canonicalize_name, names):
            if name not in known:
                raise Ended(WRONG, f"{name} is not in {graph.reading.path.name}{near(name, known)}.")
            found += [entry.number for entry in known[name] if entry.number in numbers]
        return found
    if not invert:
        return [None]
    leaving = {step.source for step in graph.steps}
    return [number for number in numbers if number not in leaving] or list(numbers)


@dataclass
class _Line:
    """What is to be drawn: an entry (None: the project), how it was come to, and where."""

    number: int | None
    step: Step | None
    region: Formula
    prefix: str = ""
    last: bool = True
    depth: int = 0
    member: str = ""


@dataclass
class _Drawn:
    """Draws trees, each entry with what follows it once."""

    graph: LockGraph
    invert: bool
    depth: int | None
    verbose: bool = False
    _seen: set[tuple[int | None, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._after: dict[int | None, list[Step]] = {}
        for step in self.graph.steps:
            self._after.setdefault(step.target if self.invert else step.source, []).append(step)
        several: dict[tuple[str, str], int] = {}
        for entry in self.graph.packages:
            several[entry.name, entry.version] = several.get((entry.name, entry.version), 0) + 1
        self._ambiguous = {key for key, count in several.items() if count > 1}

    def lines(self, starts: Sequence[int | None]) -> Iterator[str]:
        for start in starts:
            if start is None:
                members = list(dict.fromkeys(step.member for step in self._after.get(None, ()))) or [""]
                for member in members:
                    yield from self._draw(_Line(None, None, self.graph.universe, member=member))
            else:
                yield from self._draw(_Line(start, None, self.graph.regions[start]))

    def _draw(self, start: _Line) -> Iterator[str]:
        waiting = [start]
        while waiting:
            line = waiting.pop()
            key = (line.number, line.member if line.number is None else "")
            following = self._following(line)
            again = key in self._seen and bool(following)
            yield self._text(line) + (" (*)" if again else "")
            if again or (self.depth is not None and line.depth >= self.depth):
                continue
            self._seen.add(key)
            waiting += reversed(following)

    def _following(self, line: _Line) -> list[_Line]:
        if self.invert and line.number is None:
            return []
        every = self._after.get(line.number, ())
        steps = [step for step in every if line.number is not None or step.member == line.member]
        steps.sort(key=self._place)
        indent = line.prefix + ("" if not line.depth else "    " if line.last else "│   ")
        ends = [(step, step.source if self.invert else step.target) for step in steps]
        return [
            _Line(number, step, step.region, indent, place == len(ends), line.depth + 1, step.member)
            for place, (step, number) in enumerate(ends, 1)
        ]

    def _place(self, step: Step) -> tuple[bool, str, str, str, str]:
        number = step.source if self.invert else step.target
        name, version = self._named(number)
        kind, choice = (step.choice.kind, step.choice.name) if step.choice is not None else ("", "")
        return number is None, kind, choice, name, version

    def _named(self, number: int | None) -> tuple[str, str]:
        if number is None:
            return "", ""
        entry = self.graph.lockfile.entries[number]
        return entry.name, entry.version

    def _text(self, line: _Line) -> str:
        branch = "" if not line.depth else line.prefix + ("└── " if line.last else "├── ")
        if line.number is None:
            text = marked(line.member or self.graph.project or "the project", bold=True)
        else:
            entry = self.graph.lockfile.entries[line.number]
            text = f"{marked(entry.name, bold=True)} {entry.version}".rstrip()
            if self.verbose or (entry.name, entry.version) in self._ambiguous:
                text += f" from {entry.source.place}"
        return f"{branch}{text}{self._said(line)}"

    def _said(self, line: _Line) -> str:
        """By what choice, and where."""
        from satlock.encoder.markers.marker import TRUE, chosen

        step, within = line.step, TRUE
        said = ""
        if step is not None:
            if step.choice is not None:
                said = f" ({step.choice.kind} {step.choice.name})"
                within = chosen(step.choice)
            elif step.extra:
                said = f" (extra {step.extra})"
            if step.source is not None:
                within = self.graph.regions[step.target if self.invert else step.source]
        marker = self.graph.marker(line.region, within)
        return said + (marked(f"  where {clear(marker)}", dim=True) if marker else "")


def _data(graph: LockGraph) -> dict[str, Any]:
    """What a program reads."""
    entries = graph.lockfile.entries
    requires: dict[int | None, list[dict[str, Any]]] = {}
    required: dict[int, list[dict[str, Any]]] = {}
    for step in graph.steps:
        marker = graph.marker(step.region)
        target, source = entries[step.target], entries[step.source] if step.source is not None else None
        there: dict[str, Any] = {"name": target.name, "version": target.version, "source": str(target.source)}
        here: dict[str, Any] = {"name": None} if source is None else {"name": source.name, "version": source.version}
        by: dict[str, str] = {} if step.choice is None else {step.choice.kind: step.choice.name}
        if step.extra:
            by["extra"] = step.extra
        if step.member:
            by["member"] = step.member
        requires.setdefault(step.source, []).append({**there, **by, "marker": marker})
        required.setdefault(step.target, []).append({**here, **by, "marker": marker})
    return {
        "lockfile": str(graph.reading.path),
        "project": graph.project or None,
        "requires": requires.get(None, []),
        "packages": [
            {
                "name": entry.name,
                "version": entry.version,
                "source": str(entry.source),
                "marker": graph.marker(graph.regions[entry.number]),
                "requires": requires.get(entry.number, []),
                "required-by": required.get(entry.number, []),
            }
            for entry in graph.packages
        ],
    }
