"""``satlock check``: whether certificates hold. Imports no solver, and nothing that imports one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from satlock.cli.failures import NO, WRONG, Ended
from satlock.cli.inputs import where_from
from satlock.cli.report import print_report
from satlock.cli.terminal import say

if TYPE_CHECKING:
    from satlock.solver.checking.claims import Verdict

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
@click.option(
    "--metadata",
    type=click.Choice(["recorded", "online"]),
    default="recorded",
    show_default=True,
    help="Take recorded metadata on trust, or fetch it again from the indexes that the lockfile names, and compare. "
    "The options below say where these are.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was confirmed on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Name every package and every conflict.")
@where_from
def check(  # noqa: PLR0917
    folder: Path,
    lockfile: Path | None,
    project: Path | None,
    metadata: str,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **options: Any,
) -> None:
    """Check the certificates in DIR: that they are unchanged, belong to the lockfile, and that their proofs are right.

    The obligation is written down again from the lockfile, and the proof is replayed without a solver. What is checked
    is never the certificate's to choose.
    """
    if metadata != "online" and any(options.values()):
        given = next(name for name, value in options.items() if value)
        raise click.UsageError(f"--{given.replace('_', '-')} is for --metadata online: otherwise no index is asked.")
    from satlock.solver.checking.certificate import Bad, NotGiven, check_certificate
    from satlock.solver.checking.claims import shown

    try:
        verdict = check_certificate(folder, lockfile, project)
    except Bad as bad:
        _refuse(str(bad), as_json)
    except NotGiven as missing:
        raise Ended(WRONG, f"{shown(str(missing))}.") from None
    if metadata == "online":
        verdict = _with_metadata(verdict, options, as_json)
    if as_json:
        print_report("check", verdict.data())
    for line in () if quiet else verdict.lines(verbose):
        say(line)


def _refuse(reason: str, as_json: bool) -> NoReturn:
    from satlock.solver.checking.claims import shown

    if as_json:
        print_report("check", {"confirmed": False, "reason": reason})
    raise Ended(NO, f"The certificate does not hold: {shown(reason)}.")


def _with_metadata(verdict: Verdict, options: dict[str, Any], as_json: bool) -> Verdict:
    from satlock.cli.examining import WhereFrom
    from satlock.cli.fetching import Differs, fetch_again

    # What an earlier run has kept is not what the index says now.
    where = WhereFrom(**{**options, "no_cache": not options["offline"]})
    try:
        return verdict.with_confirmed(fetch_again(verdict.candidates(), verdict.listed(), where))
    except Differs as different:
        _refuse(str(different), as_json)
