"""The command ``satlock``: its subcommands, and how every run of one ends.

A subcommand's module is imported when it is asked for, and imports what it needs when it runs: ``satlock check``
works where no solver can be imported, and ``satlock --help`` does not wait for any.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from satlock import __version__
from satlock.cli.failures import FAILED, Ended, ending
from satlock.cli.report import begin

__all__ = ["satlock"]

_COMMANDS = {
    "lock": "satlock.cli.lock:lock",
    "why": "satlock.cli.why:why",
    "tree": "satlock.cli.tree:tree",
    "outdated": "satlock.cli.outdated:outdated",
    "audit": "satlock.cli.audit:audit",
    "diff": "satlock.cli.diff:diff",
    "export": "satlock.cli.export:export",
    "prove": "satlock.cli.prove:prove",
    "check": "satlock.cli.check:check",
    "conflicts": "satlock.cli.conflicts:conflicts",
    "corpus": "satlock.cli.corpus:corpus",
    "compare": "satlock.cli.compare:compare",
    "completion": "satlock.cli.completion:completion",
}
"""Where each subcommand is."""


class _Satlock(click.Group):
    """A group that imports its subcommands late, and that ends by the exit codes of the contract."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].partition(":")
        found: click.Command = getattr(importlib.import_module(module), attribute)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise Ended(FAILED) from None  # click would say "no" for it; there is nobody to tell

    def main(  # type: ignore[override]  # that it never returns is told by an overload there
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        *,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        if not standalone_mode:
            return super().main(args, prog_name, standalone_mode=False, **extra)
        begin(sys.argv[1:] if args is None else args)
        with ending() as end:
            code = super().main(args, prog_name, standalone_mode=False, **extra)
            end.code = code if isinstance(code, int) else 0
        sys.exit(end.code)


def _print_version(ctx: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if not asked or ctx.resilient_parsing:
        return
    click.echo(f"satlock {__version__}")
    ctx.exit()


@click.group(
    cls=_Satlock, name="satlock", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def satlock() -> None:
    """Locks Python projects with a SAT/SMT solver, and proves what it says."""
