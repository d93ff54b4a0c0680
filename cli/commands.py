"""The command ``satlock``: its subcommands, and how every run of one ends.

A subcommand's module is imported when it is asked for, and imports what it needs when it runs: ``satlock check``
works where no solver can be imported, and ``satlock --help`` does not wait for any.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import click

from satlock import __version__
from satlock.cli.failures import FAILED, Ended, ending
from satlock.cli.report import begin
from satlock.cli.words import example, near

__all__ = ["satlock"]


class _Sub(NamedTuple):
    """A subcommand."""

    place: str
    """Where it is."""
    short: str
    """What it does, in one line of a narrow terminal."""
    example: str


_COMMANDS = {
    "lock": _Sub("lock:lock", "Lock a project, for every environment at once.", "satlock lock --output uv.lock"),
    "why": _Sub("why:why", "Why a package is locked in this version.", "satlock why 'rich>=15'"),
    "tree": _Sub("tree:tree", "Who requires what, and where.", "satlock tree --invert --package pygments"),
    "outdated": _Sub("outdated:outdated", "What is not the newest, and because of whom.", "satlock outdated --direct"),
    "audit": _Sub("audit:audit", "Known vulnerabilities, and the way out.", "satlock audit --database osv.json"),
    "diff": _Sub("diff:diff", "What one lock installs otherwise than another.", "satlock diff pylock.toml uv.lock"),
    "export": _Sub("export:export", "Write a lock in another format.", "satlock export --extra cpu -o cpu.txt"),
    "prove": _Sub("prove:prove", "Prove what a lock can install.", "satlock prove uv.lock --certificate proof"),
    "check": _Sub("check:check", "Check a certificate, without a solver.", "satlock check proof"),
    "conflicts": _Sub("conflicts:conflicts", "Which extras and groups exclude each other.", "satlock conflicts"),
    "corpus": _Sub("corpus:corpus", "Recorded indexes: make, read, serve them.", "satlock corpus list"),
    "compare": _Sub(
        "compare:compare",
        "Compare resolvers on recorded indexes.",
        "satlock compare . --corpus world.snapshot --output results",
    ),
    "completion": _Sub("completion:completion", "Completion for your shell.", "satlock completion bash"),
}


class _Satlock(click.Group):
    """A group that imports its subcommands late, and that ends by the exit codes of the contract."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].place.partition(":")
        found: click.Command = getattr(importlib.import_module(f"satlock.cli.{module}"), attribute)
        found.short_help, found.epilog = _COMMANDS[cmd_name].short, example(_COMMANDS[cmd_name].example)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"There is no command {args[0]!r}{near(args[0], _COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.short) for name, command in _COMMANDS.items()])

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
