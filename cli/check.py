"""``satlock check``: whether certificates hold. Imports no solver, and nothing that imports one."""

from __future__ import annotations

from pathlib import Path

import click

from satlock.cli.failures import NO, WRONG, Ended
from satlock.cli.report import print_report
from satlock.cli.terminal import say

__all__ = ["check"]


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--lockfile",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The lockfile that is checked; by default the one that the certificate names in the folder around DIR.",
)
@click.option(
    "--project",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder with pyproject.toml; the lockfile's by default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was confirmed on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Name every package and every conflict.")
def check(  # noqa: PLR0917
    folder: Path, lockfile: Path | None, project: Path | None, as_json: bool, quiet: bool, verbose: bool
) -> None:
    """Check the certificates in DIR: that they are unchanged, belong to the lockfile, and that their proofs are right.

    The obligation is written down again from the lockfile, and the proof is replayed without a solver. What is checked
    is never the certificate's to choose.
    """
    from satlock.solver.checking.certificate import Bad, NotGiven, check_certificate

    try:
        verdict = check_certificate(folder, lockfile, project)
    except Bad as bad:
        if as_json:
            print_report("check", {"confirmed": False, "reason": str(bad)})
        raise Ended(NO, f"The certificate does not hold: {bad}.") from None
    except NotGiven as missing:
        raise Ended(WRONG, f"{str(missing)[0].upper()}{str(missing)[1:]}.") from None
    if as_json:
        print_report("check", verdict.data())
    for line in () if quiet else verdict.lines(verbose):
        say(line)
