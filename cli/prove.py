"""``satlock prove``: what no environment can install, from a lockfile alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from satlock.cli.completing import packages
from satlock.cli.failures import FAILED, NO, WRONG, Ended
from satlock.cli.inputs import where_from
from satlock.cli.lockfile import lockfile_in
from satlock.cli.report import print_report
from satlock.cli.shared_options import BESIDE
from satlock.cli.terminal import say, say_warning
from satlock.cli.words import count

if TYPE_CHECKING:
    from satlock.solver.lockfiles.reading import Reading
    from satlock.solver.proofs.unique import Answer, Proof

__all__ = ["prove"]


@click.command()
@click.argument("lockfile", required=False, type=click.Path(path_type=Path))
@click.option(
    "--unique",
    multiple=True,
    shell_complete=packages,
    metavar="NAME",
    help="Prove that no environment installs two candidates of NAME (repeatable); of every package by default.",
)
@click.option(
    "--index-pins",
    is_flag=True,
    help="Prove that every package that the project pins to an index comes from it wherever the pin is in scope.",
)
@click.option(
    "--installable",
    is_flag=False,
    flag_value="common",
    metavar="[ENV]",
    help="Prove that every selected package has a file for the environments of ENV, a marker; "
    "the common platforms by default.",
)
@click.option(
    "--complete",
    is_flag=True,
    help="Prove that every requirement is met in every environment. What the candidates require is asked of the "
    "indexes that the lock names; the options below say where these are.",
)
@BESIDE
@click.option("--certificate", type=click.Path(path_type=Path), metavar="DIR", help="Write what was proven to DIR.")
@click.option("--json", "as_json", is_flag=True, help="Print the answers on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is refuted.")
@click.option("-v", "--verbose", is_flag=True, help="Name every package.")
@where_from
def prove(  # noqa: PLR0917
    lockfile: Path | None,
    unique: tuple[str, ...],
    index_pins: bool,
    installable: str | None,
    complete: bool,
    project: Path | None,
    certificate: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **options: Any,
) -> None:
    """Prove what a lockfile can install, whichever tool wrote it.

    Without another property: that no environment gets two candidates of one package. Reads pylock.toml, uv.lock,
    poetry.lock and pdm.lock; without a LOCKFILE, the pylock.toml or else the uv.lock that is here.
    """
    if installable is not None and lockfile is None and Path(installable).is_file():
        lockfile, installable = Path(installable), "common"  # the file, which the option would swallow
    if not complete and any(options.values()):
        given = next(name for name, value in options.items() if value)
        raise click.UsageError(f"--{given.replace('_', '-')} is for --complete: the other properties ask no index.")
    if project is not None and not (project / "pyproject.toml").is_file():
        raise Ended(WRONG, f"{project} has no pyproject.toml; name the folder of the project with --project.")
    from satlock.solver.lockfiles.reading import read_lockfile
    from satlock.solver.proofs.unique import prove_unique

    reading = read_lockfile(lockfile or lockfile_in(project or Path()), project)
    proofs: list[Proof] = []
    if unique or not (index_pins or installable or complete):
        proofs.append(prove_unique(reading, _names(unique)))
    if index_pins:
        from satlock.solver.proofs.pins import prove_index_pins

        proofs.append(prove_index_pins(reading))
    if installable:
        from satlock.solver.proofs.installable import prove_installable

        proofs.append(prove_installable(reading, installable))
    if complete:
        from satlock.cli.examining import WhereFrom, ask_indexes
        from satlock.solver.proofs.complete import prove_complete

        asking, second_look = ask_indexes(reading, WhereFrom(**options))
        for note in asking.notes:
            say_warning(note)
        proofs.append(prove_complete(reading, asking, second_look))
    size = None
    if certificate is not None:
        from satlock.solver.proofs.certificate import write_certificate

        size = write_certificate(certificate, proofs)
    if as_json:
        print_report("prove", _report(reading, proofs))
    answers = [answer for proof in proofs for answer in proof.answers]
    _tell(reading, proofs, quiet=quiet, verbose=verbose)
    if quiet:
        pass
    elif size == 0:
        say("Nothing was proven, so there is no certificate.")
    elif size is not None:
        say(f"Wrote the certificate of what is proven to {certificate} ({size / 1000:.0f} kB).")
    if any(answer.point is not None for answer in answers):
        raise Ended(NO)
    if any(answer.undecided for answer in answers):
        raise Ended(FAILED)


def _report(reading: Reading, proofs: list[Proof]) -> dict[str, Any]:
    from satlock.solver.proofs.counterexample import json_of

    reports = [
        {
            "lockfile": str(reading.path),
            "property": proof.property,
            "packages": {answer.name: json_of(reading.lockfile, answer) for answer in proof.answers},
        }
        for proof in proofs
    ]
    return reports[0] if len(reports) == 1 else {**reports[0], "further": reports[1:]}


_SAID = {
    "unique": ("no environment installs two candidates of", "Two candidates of {} are installed together"),
    "index-pins": ("wherever a pin is in scope, it decides where these come from:", "{} comes from another index"),
    "complete": ("every requirement is met, wherever it is in force, of", "A requirement of {} is not met"),
    "installable": ("there is a file, wherever it is installed, for", "{} has no file to install"),
}


def _tell(reading: Reading, proofs: list[Proof], *, quiet: bool, verbose: bool) -> None:
    from satlock.solver.proofs.counterexample import told

    for proof in proofs:
        proven, refuted = _SAID[proof.property]
        for answer in proof.answers:
            if answer.point is not None:
                say(refuted.format(answer.name) + ":")
                for line in told(reading.lockfile, answer, reading.path.name):
                    say(line)
        _tell_undecided([answer for answer in proof.answers if answer.undecided])
        names = [answer.name for answer in proof.answers if answer.proven]
        if quiet:
            continue
        if names and len(names) == len(proof.answers):
            many = f"any of the {len(names)} packages" if len(names) > 8 and not verbose else ", ".join(names)
            several = sum(name in proof.goals for name in names)
            say(f"Proven: {proven} {many} ({several} took a proof).")
        elif names:
            say(f"Proven for the other {count(len(names), 'package')}.")
        elif not proof.answers:
            say("There is nothing to prove.")


def _tell_undecided(answers: list[Answer]) -> None:
    """One line for each reason, with those that it concerns."""
    reasons: dict[str, list[str]] = {}
    for answer in answers:
        reasons.setdefault(answer.undecided, []).append(answer.name)
    for reason, names in reasons.items():
        shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        say(f"Not decided: {shown}: {reason}.")


def _names(given: tuple[str, ...]) -> tuple[str, ...]:
    from packaging.utils import InvalidName, canonicalize_name

    try:
        return tuple(canonicalize_name(name, validate=True) for name in given)
    except InvalidName as error:
        raise click.BadParameter(f"{error}.", param_hint="--unique") from None
