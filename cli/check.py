"""``satlock check``: whether certificates hold. Imports no solver, and nothing that imports one."""

from __future__ import annotations

from pathlib import Path

import click

from satlock.cli.failures import NO, Ended
from satlock.cli.terminal import say

__all__ = ["check"]


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--lockfile",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The lockfile, where it is not where it was when the certificate was written.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Say more.")
def check(folder: Path, lockfile: Path | None, quiet: bool, verbose: bool) -> None:
    """Check the certificates in DIR: that they are unchanged, belong to the lockfile, and that their proofs are right.

    The obligation is written down again from the lockfile, and the proof is replayed without a solver.
    """
    from satlock.solver.checking.verify import Bad, check_certificate

    try:
        found = check_certificate(folder, lockfile)
    except Bad as bad:
        raise Ended(NO, f"The certificate does not hold: {bad}.") from None
    for one in () if quiet else found:
        claims = ", ".join(one.claims) if verbose or len(one.claims) <= 8 else f"{len(one.claims)} packages"
        say(f"Confirmed: {one.property} for {claims} ({one.clauses} clauses, {one.steps} proof steps).")
        for index, count in one.trusted:
            say(f"  Taken on trust: what {index} said of {count} candidates, as recorded.")
