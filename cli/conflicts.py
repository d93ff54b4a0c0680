"""``satlock conflicts``: the extras and groups that cannot be active together, and the inference of ``lock``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from satlock.cli.failures import FAILED, NO, Ended
from satlock.cli.inputs import Inputs, inputs
from satlock.cli.phases import Phases
from satlock.cli.report import print_report
from satlock.cli.searching import Searching
from satlock.cli.terminal import marked, say, say_error, say_warning
from satlock.records import dataclass, field

if TYPE_CHECKING:
    from satlock.cli.watching import Watched
    from satlock.encoder.project.project import Choice, Project
    from satlock.solver.explaining.conflicting import Conflict
    from satlock.solver.search.search import NoLock

__all__ = ["Inference", "conflicts"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a report on standard output, in place of the table.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Say more.")
@inputs
def conflicts(given: Inputs, as_json: bool, quiet: bool, verbose: bool) -> None:
    """Find the sets of extras and groups that cannot be active together, each as small as it can be.

    The explanations go to standard error, a table that declares the sets to standard output.
    """
    searching = Searching(given, Phases(), quiet)
    with searching.phases.phase("reading"):
        project = given.project()
    for warning in project.warnings:
        say_warning(warning)
    inferred = Inference(project)

    def no_lock(none: NoLock, ways: list[str]) -> NoReturn:
        for line in ways:
            say(line)
        if as_json:
            assert searching.explanation is not None
            print_report("conflicts", {"status": "no lock", **searching.explanation.data()})
        raise Ended(FAILED if none.failed else NO)

    searching.search(
        project, "newest-first", {}, no_lock, on_story=lambda story: say_error(*story), prepare=inferred.infer
    )
    if not quiet:
        for line in inferred.lines():
            say(line)
    if verbose:
        say("Times: " + ", ".join(f"{name} {spent:.2f} s" for name, spent in searching.phases.seconds.items()))
    if as_json:
        print_report("conflicts", inferred.data())
    elif inferred.declarable:
        click.echo(inferred.table(), nl=False)
    if inferred.alone:
        raise Ended(NO)


@dataclass
class Inference:
    """The conflicts that a project has and does not declare."""

    project: Project
    found: list[tuple[Conflict, tuple[str, ...]]] = field(default_factory=list)
    """Each with its explanation."""

    def infer(self, project: Project, watched: Watched, default_index: str) -> Project:
        """The project under its conflicts, which are noted.

        Raises:
            NoLock: it has no lock with nothing chosen either.
        """
        from satlock.solver.explaining.conflicting import conflicts_of, under_conflicts
        from satlock.solver.explaining.explanation import explanation_of
        from satlock.solver.locking import attempt
        from satlock.solver.search.search import NoLock

        found = conflicts_of(project, lambda changed: attempt(changed, watched, default_index=default_index))
        for conflict in found:
            story: tuple[str, ...] = (str(conflict.reason),)
            if isinstance(conflict.reason, NoLock):
                none = conflict.reason
                story = explanation_of(none, none.universe, watched.searched, project.single_version).lines
            self.found.append((conflict, story))
        return under_conflicts(project, found)

    @property
    def alone(self) -> list[Choice]:
        """Choices that can never be made: no declaration of conflicts helps them."""
        return [conflict.choices[0] for conflict, _ in self.found if len(conflict.choices) == 1]

    @property
    def declarable(self) -> list[tuple[Choice, ...]]:
        return [conflict.choices for conflict, _ in self.found if len(conflict.choices) > 1]

    def lines(self) -> Iterator[str]:
        """What a person reads."""
        if not self.found:
            yield "Any extras and groups can be active together."
        for conflict, story in self.found:
            who = _listed([str(choice) for choice in conflict.choices])
            can = "can never be chosen" if len(conflict.choices) == 1 else "cannot be active together"
            yield f"{marked(who, bold=True)} {can}, e.g. for {conflict.witness}:"
            yield from (f"  - {line}" for line in story)
        for choices in self.declarable:
            if len(choices) > 2:
                yield (
                    f"Any {len(choices) - 1} of {_listed([str(choice) for choice in choices])} can be; but a conflict "
                    f"that is declared keeps every two of its members apart."
                )

    def heads(self) -> Iterator[str]:
        """What was inferred, without the reasons."""
        for conflict, _ in self.found:
            yield f"Inferred: {_listed([str(choice) for choice in conflict.choices])} cannot be active together."

    def table(self) -> str:
        """The declaration for the ``pyproject.toml``, with what it declares already."""
        from satlock.encoder.project.amendments import inline, setting_path
        from satlock.encoder.project.tables import load

        path = setting_path(load(self.project.path), "conflicts")
        rows = [*self.project.conflicts, *self.declarable]
        members = (inline([_member(choice) for choice in row]) for row in rows)
        return f"[{'.'.join(path[:-1])}]\nconflicts = [\n" + "".join(f"    {row},\n" for row in members) + "]\n"

    def data(self) -> dict[str, Any]:
        """What a program reads."""
        return {
            "status": "conflicts" if self.found else "none",
            "conflicts": [
                {
                    "members": [_member(choice) for choice in conflict.choices],
                    "environment": {
                        "markers": dict(conflict.witness.variables),
                        "extras": list(conflict.witness.extras),
                        "groups": list(conflict.witness.groups),
                    },
                    "explanation": list(story),
                }
                for conflict, story in self.found
            ],
            "declared": [[_member(choice) for choice in members] for members in self.project.conflicts],
        }


def _member(choice: Choice) -> dict[str, str]:
    """An entry of ``conflicts``."""
    return {choice.kind: choice.name}


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
