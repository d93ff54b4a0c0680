"""Writes ``docs/commands.md`` from the commands themselves.

python docs/make_reference.py            # writes it
python docs/make_reference.py --check    # 1 where it is not what would be written
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from satlock.cli.commands import satlock

PAGE = Path(__file__).parent / "commands.md"


def _described(path: str, command: click.Command, context: click.Context) -> Iterator[str]:
    own = click.Context(command, parent=context, info_name=path.rpartition(" ")[2])
    yield f"## {path}"
    yield ""
    yield "```text"
    yield own.get_usage().replace("\n", " ").replace("Usage: ", "").replace("  ", " ")
    yield "```"
    yield ""
    text = (command.help or "").replace("\b\n", "").strip()
    yield from (line.strip() if "  " not in line.strip() else f"    {line.strip()}" for line in text.splitlines())
    yield ""
    if command.epilog:
        yield "```bash"
        yield command.epilog.splitlines()[-1].strip()
        yield "```"
        yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(own):
            found = command.get_command(own, name)
            if found is not None and not found.hidden:
                yield from _described(f"{path} {name}", found, own)
        return
    rows = [parameter.get_help_record(own) for parameter in command.get_params(own)]
    shown = [row for row in rows if row is not None]
    if shown:
        yield "| option | meaning |"
        yield "| --- | --- |"
        for names, said in shown:
            cell = names.replace("|", "\\|")
            yield f"| `{cell}` | {' '.join(said.split()).replace('|', chr(92) + '|')} |"
        yield ""


def text() -> str:
    """The page."""
    top = click.Context(satlock, info_name="satlock")
    lines = [
        "# Commands",
        "",
        "Written by `docs/make_reference.py` from the commands themselves: what `satlock COMMAND --help` says.",
        "How each command ends is told in [Exit codes](exit-codes.md), what `--json` prints in [JSON](json.md).",
        "",
    ]
    for name in satlock.list_commands(top):
        command = satlock.get_command(top, name)
        if command is not None:
            lines += _described(f"satlock {name}", command, top)
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    if "--check" in sys.argv:
        same = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text()
        if not same:
            print("docs/commands.md is not what docs/make_reference.py writes")
        return not same
    PAGE.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
