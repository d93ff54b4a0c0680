"""``satlock completion``: what a shell needs to complete commands, options and the names of files."""

from __future__ import annotations

import os
from pathlib import Path

import click

from satlock.cli.failures import WRONG, Ended

__all__ = ["completion"]

_SHELLS = ("bash", "fish", "zsh")


@click.command()
@click.argument("shell", required=False, type=click.Choice(_SHELLS))
def completion(shell: str | None) -> None:
    """Print the completion script of a SHELL; the one that runs by default.

    \b
    bash:  eval "$(satlock completion bash)"     in ~/.bashrc
    zsh:   eval "$(satlock completion zsh)"      in ~/.zshrc
    fish:  satlock completion fish | source      in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    from satlock.cli.commands import satlock

    name = shell or Path(os.environ.get("SHELL", "")).name
    found = get_completion_class(name) if name in _SHELLS else None
    if found is None:
        raise Ended(WRONG, f"Which shell this is cannot be told; name one of {', '.join(_SHELLS)}.")
    script = found(satlock, {}, "satlock", "_SATLOCK_COMPLETE")
    # Not source(): it runs bash just to look at its version.
    click.echo(script.source_template % script.source_vars())
