"""``satlock lock``: from a project to its lock."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from satlock.cli.explaining import Looking
from satlock.cli.failures import NO, WRONG, Ended
from satlock.cli.inputs import Inputs, inputs
from satlock.cli.lockfile import Target, target_of
from satlock.cli.locking import Before, Run, memory_of, tells_all
from satlock.cli.pasting import given_options, options_for
from satlock.cli.settings import flag_in_environment
from satlock.cli.terminal import say, say_warning
from satlock.cli.upgrading import Upgrades, upgrade_options
from satlock.records import dataclass, replace

if TYPE_CHECKING:
    from satlock.encoder.project.project import Project

__all__ = ["lock"]

_OF_THE_RUN = ("check", "frozen", "dry_run", "apply", "report")
"""Parameters that a command leaves out which brings the lock up to date."""


@click.command()
@click.argument("source", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where the lock goes: pylock.toml, pylock.NAME.toml or uv.lock; - is standard output. By default what "
    "[tool.satlock] output says, else the lock that is there, else pylock.toml in the project (pylock.NAME.toml "
    "beside a script or requirements file).",
)
@click.option("--format", "form", type=click.Choice(["pylock", "uv"]), help="Where the file's name does not tell.")
@click.option("--script", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Lock this script.")
@click.option(
    "--infer-conflicts",
    is_flag=True,
    help="Lock as if the extras and groups that cannot be active together were declared in conflicts.",
)
@upgrade_options
@click.option(
    "--check",
    "--locked",
    is_flag=True,
    help="Write nothing; say whether the lock that is there is valid for the project.",
)
@click.option(
    "--frozen", "--check-exists", is_flag=True, help="Write nothing; say whether there is a lock, valid or not."
)
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
@click.option(
    "--apply",
    type=click.IntRange(min=1),
    metavar="N",
    help="Where there is no lock: make the N-th way out in pyproject.toml, keeping its comments and layout, and lock.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Where there is no lock: look for ways out no longer than this.",
)
@click.option(
    "--certificate",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also write a certificate to DIR that no environment installs two candidates of one package, and that no "
    "package that is not at its newest version could be newer.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write FILE: the project, the versions and all that the indexes answered, without credentials. "
    "The run can be repeated from it, with --corpus FILE.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a report on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Say more.")
@inputs
def lock(  # noqa: PLR0917
    given: Inputs,
    source: Path | None,
    output: str | None,
    form: str | None,
    script: Path | None,
    infer_conflicts: bool,
    upgrades: Upgrades,
    check: bool,
    frozen: bool,
    dry_run: bool,
    apply: int | None,
    timeout: float | None,
    certificate: Path | None,
    report: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Lock a project: one lockfile that is right in every environment that the project admits.

    SOURCE is the project's folder or its pyproject.toml, a script with inline metadata (script.py), or a requirements
    file (requirements.in, requirements.txt). The lock that is there already is kept to as far as possible.
    """
    if source is not None and script is not None:
        raise click.UsageError("SOURCE and --script both say what to lock; drop one of them.")
    given = _with_source(given, source or script)
    target = target_of(given.default_lock(form), output, form)
    if target.form == "uv":
        given = given.at_root()  # there is one uv.lock for all members
    check, frozen = check or flag_in_environment("UV_LOCKED"), frozen or flag_in_environment("UV_FROZEN")
    asked = _Asked(target, upgrades, check, frozen, dry_run, infer_conflicts, certificate, as_json)
    asked.refuse_contradictions()
    if apply is not None and (check or frozen or infer_conflicts or given.kind != "project"):
        raise click.UsageError("--apply is for a project that is locked, without --check, --frozen and the like.")
    before = target.read()
    command = f"satlock lock{given_options(without=_OF_THE_RUN)}"
    if (check or frozen) and before is None:
        raise Ended(NO, f"There is no lock at {target}; write it with {command}.")
    with _watched(given, report, target) as given:
        run = Run(
            given,
            target,
            quiet,
            verbose,
            as_json,
            memory_of(given, target),
            command,
            certificate,
            dry=dry_run,
            looking=Looking(timeout, apply or 0),
        )
        if apply is not None:
            from satlock.cli.applying import applied

            with applied(run, apply) as run:
                _verify_or_lock(run, asked, before)
        elif frozen:
            run.tell_there(before or "")
        elif report is not None or not (asked.keeps(before) and run.recall(before or "", check)):
            _verify_or_lock(run, asked, before)


def _watched(given: Inputs, report: Path | None, target: Target) -> AbstractContextManager[Inputs]:
    """The inputs, whose answers are kept where a report is asked for."""
    if report is None:
        return nullcontext(given)
    from satlock.cli.reporting import reported

    return reported(given, report, target.path)


@dataclass(frozen=True)
class _Asked:
    """What a run is to do with the lock that is there."""

    target: Target
    upgrades: Upgrades
    check: bool
    frozen: bool
    dry: bool
    infer: bool
    certificate: Path | None
    as_json: bool

    def keeps(self, before: str | None) -> bool:
        """Whether a lock that is there and valid is an answer."""
        return before is not None and not self.upgrades.any and not self.infer and self.certificate is None

    def refuse_contradictions(self) -> None:
        """Raises Ended, or click's UsageError, where two options cannot go together."""
        if self.certificate is not None and (self.check or self.dry or self.target.path is None):
            raise Ended(WRONG, "--certificate is for a lock that is written to a file; drop it, or name the file.")
        if self.check and self.target.path is None:
            raise click.UsageError("--check needs a lock to check, and --output - names none.")
        if self.check and self.upgrades.any:
            raise click.UsageError("--check and --upgrade contradict each other.")
        if self.check and self.frozen:
            raise click.UsageError("--check and --frozen contradict each other: one verifies the lock, one does not.")
        if self.as_json and self.target.path is None:
            raise click.UsageError("--json and --output - would both print on standard output.")
        if self.infer and (self.target.form == "uv" or self.certificate is not None):
            whom = "For uv" if self.target.form == "uv" else "For a certificate"
            command = f"satlock conflicts{options_for('conflicts')}"
            raise Ended(WRONG, f"{whom}, conflicts must be in pyproject.toml; put there what this prints: {command}")


def _verify_or_lock(run: Run, asked: _Asked, text: str | None) -> None:
    """Finds the lock that is there valid, or another one."""
    from satlock.encoder.project.workspace import workspaces_found_once

    with workspaces_found_once():
        _verify_or_lock_at_once(run, asked, text)


def _verify_or_lock_at_once(run: Run, asked: _Asked, text: str | None) -> None:
    given, target, check = run.given, run.target, asked.check
    with run.phases.phase("reading"):
        project = given.project(whole_workspace=target.form == "uv")
        objective = given.objective_for(project)
        asked.upgrades.lifted(project)  # there must be such groups, also where there is no lock to keep to
    for warning in project.warnings:
        say_warning(warning)
    before = Before(None) if text is None else _before(run, asked, project, text)
    run.inferred = run.inference(project) if asked.infer else None
    standing = before.standing if (check or asked.keeps(text)) and not before.changed else None
    valid = standing is not None and tells_all(project, target) and run.verify(standing, text or "", project, check)
    if not valid:
        run.lock(project, objective, before, asked.upgrades, check=check)


def _before(run: Run, asked: _Asked, project: Project, text: str) -> Before:
    """The lock that is there, as far as it counts.

    Raises:
        Ended: it is broken, or it was to be checked and was chosen in another way than is asked for now.
    """
    from satlock.cli.existing import read_existing
    from satlock.solver.lockfiles.choosing import change_of_choosing

    if asked.upgrades.everything:
        try:
            return Before(text, read_existing(text, run.target))
        except Ended:
            return Before(text)  # what is broken is replaced
    lifted = asked.upgrades.lifted(project)
    there = read_existing(text, run.target)
    change = change_of_choosing(there, project, run.given.objective_for(project), said=run.given.objective)
    if change is None:
        return Before(text, there, there, lifted)
    if asked.check:
        raise run.out_of_date(str(change))
    if not run.quiet:
        say(f"The lock that is there is made anew: {change}.")
    return Before(text, there, there if change.kept else None, lifted, changed=True)


def _with_source(given: Inputs, source: Path | None) -> Inputs:
    """What ``SOURCE`` names; a name without a folder is in that of ``--project``."""
    return given if source is None else replace(given, source=given.source / source)
