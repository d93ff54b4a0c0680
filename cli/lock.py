"""``satlock lock``: from a project to its lock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from cli.existing import first_difference, kept_versions, read_pylock
from cli.failures import FAILED, NO, WRONG, Ended
from cli.inputs import Inputs, inputs, package_names
from cli.lockfile import Target, target_of
from cli.searching import Searching
from cli.terminal import say, say_warning
from cli.watching import Phases, Watched

if TYPE_CHECKING:
    from packaging.pylock import Pylock

    from encoder.project import Project
    from solver.locking import Locked
    from solver.search import NoLock

__all__ = ["lock"]


@click.command()
@click.argument("source", required=False, type=click.Path(path_type=Path))
@inputs
@click.option(
    "--output",
    metavar="FILE",
    help="Where the lock goes: pylock.toml, pylock.NAME.toml or uv.lock; - is standard output. "
    "pylock.toml in the project by default, pylock.NAME.toml beside a script or requirements file.",
)
@click.option("--format", "form", type=click.Choice(["pylock", "uv"]), help="Where the file's name does not tell.")
@click.option("--upgrade", is_flag=True, help="Do not keep to the lock that is there.")
@click.option(
    "--upgrade-package", multiple=True, metavar="NAME", help="Do not keep to the locked version of NAME (repeatable)."
)
@click.option(
    "--check", is_flag=True, help="Write nothing; say whether the lock that is there is valid for the project."
)
@click.option(
    "--certificate",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also write a certificate to DIR that no environment installs two candidates of one package.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a report on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Say more.")
def lock(  # noqa: PLR0917
    given: Inputs,
    source: Path | None,
    output: str | None,
    form: str | None,
    upgrade: bool,
    upgrade_package: tuple[str, ...],
    check: bool,
    certificate: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Lock a project: one lockfile that is right in every environment that the project admits.

    SOURCE is the project's folder or its pyproject.toml, a script with inline metadata (script.py), or a requirements
    file (requirements.in, requirements.txt). The lock that is there already is kept to as far as possible.
    """
    given = _with_source(given, source)
    target = target_of(given.default_lock(form), output, form)
    if certificate is not None and (check or target.path is None):
        raise Ended(WRONG, "--certificate is for a lock that is written to a file; drop it, or name the file.")
    _refuse_contradictions(target, upgrade, check, as_json)
    run = _Run(given, target, quiet, verbose, as_json)
    lifted = package_names(upgrade_package)
    with run.phases.phase("reading"):
        project = given.project()
        objective = given.objective_for(project)
        text = target.read()
    for warning in project.warnings:
        say_warning(warning)
    if check and text is None:
        raise Ended(NO, f"There is no lock at {target}; write it with satlock lock.")
    existing = read_pylock(text, str(target)) if text is not None and not upgrade and target.form == "pylock" else None
    kept = kept_versions(existing, lifted) if existing is not None else {}
    if check and target.form == "uv":
        raise Ended(WRONG, "--check of a uv.lock is not there yet; let uv check it with uv lock --check.")
    locked, watched = run.search(project, objective, kept)
    if check:
        assert existing is not None
        run.compare(existing, locked, watched)
        return
    with run.phases.phase("writing"):
        fresh = run.text_of(locked, project)
        changed = fresh != text
        if changed or target.path is None:
            target.write(fresh)
    if certificate is not None and target.path is not None:
        with run.phases.phase("proving"):
            _certify(target.path, given.project_folder, certificate)
    run.report(locked, watched, "locked" if changed else "unchanged")


def _certify(lockfile: Path, project: Path, folder: Path) -> None:
    """Proves the lock as if another tool had written it.

    Raises:
        Ended: an environment gets two candidates of a package, which would be a bug of satlock.
    """
    from solver.lockfiles.reading import read_lockfile
    from solver.proofs.certificate import write_certificate
    from solver.proofs.unique import prove_unique

    proof = prove_unique(read_lockfile(lockfile, project))
    refuted = [answer.name for answer in proof.answers if not answer.proven]
    if refuted:
        raise Ended(FAILED, f"The lock installs two candidates of {', '.join(refuted)}: this is a bug in satlock.")
    write_certificate(folder, [proof])


@dataclass
class _Run:
    """One run of the command."""

    given: Inputs
    target: Target
    quiet: bool
    verbose: bool
    as_json: bool
    phases: Phases = field(default_factory=Phases)
    _objective: str = ""

    def search(self, project: Project, objective: str, kept: dict[str, frozenset[str]]) -> tuple[Locked, Watched]:
        """Finds the lock.

        Raises:
            Ended: there is none, which is then explained.
        """
        self._objective = objective
        searching = Searching(self.given, self.phases, self.quiet)
        return searching.search(project, objective, kept, self._no_lock)

    def text_of(self, locked: Locked, project: Project) -> str:
        """The file that says what was found.

        Raises ProjectError where the format cannot say it.
        """
        folder = self.given.project_folder if self.target.path is None else self.target.path.parent
        if self.target.form == "uv":
            from solver.uvlock.writing import to_uv_lock

            return to_uv_lock(locked.lock, project, locked.universe, self.given.uv_view(), folder)
        from solver.pylock import to_toml

        return to_toml(locked.lock, folder)

    def _no_lock(self, none: NoLock, lines: list[str]) -> NoReturn:
        if self.as_json:
            from cli.summary import json_of_no_lock

            click.echo(json_of_no_lock(none, lines, self._header("no lock")))
        raise Ended(FAILED if none.failed else NO, *lines)

    def compare(self, existing: Pylock, locked: Locked, watched: Watched) -> None:
        """Says whether the lock that is there is the one that the project needs.

        Raises:
            Ended: it is not.
        """
        with self.phases.phase("comparing"):
            difference = first_difference(existing, locked.lock, locked.universe)
        if difference is None:
            self.report(locked, watched, "valid")
            return
        if self.as_json:
            self._print_json(locked, watched, "out of date", difference)
        raise Ended(NO, f"{self.target} is out of date: {difference}.", "Bring it up to date with satlock lock.")

    def report(self, locked: Locked, watched: Watched, status: str) -> None:
        """Says what was found."""
        from cli.gaps import warning_of_gaps

        if (warning := warning_of_gaps(locked, self.verbose)) is not None:
            say_warning(warning)
        if not self.quiet:
            from cli.summary import summary

            for line in summary(
                locked, watched, self.phases, target=str(self.target), status=status, verbose=self.verbose
            ):
                say(line)
        if self.as_json:
            self._print_json(locked, watched, status)

    def _print_json(self, locked: Locked, watched: Watched, status: str, reason: str | None = None) -> None:
        from cli.summary import json_of

        click.echo(json_of(locked, watched, self.phases, self._header(status, reason)))

    def _header(self, status: str, reason: str | None = None) -> dict[str, Any]:
        header: dict[str, Any] = {"status": status}
        if reason is not None:
            header["reason"] = reason
        return {**header, "lockfile": str(self.target), "format": self.target.form, "objective": self._objective}


def _with_source(given: Inputs, source: Path | None) -> Inputs:
    """What ``SOURCE`` names; a name without a folder is in that of ``--project``."""
    return given if source is None else replace(given, source=given.source / source)


def _refuse_contradictions(target: Target, upgrade: bool, check: bool, as_json: bool) -> None:
    if check and target.path is None:
        raise click.UsageError("--check needs a lock to check, and --output - names none.")
    if check and upgrade:
        raise click.UsageError("--check and --upgrade contradict each other.")
    if as_json and target.path is None:
        raise click.UsageError("--json and --output - would both print on standard output.")
