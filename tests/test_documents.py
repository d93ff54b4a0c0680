"""The documents: commands and options that are there, screens that are printed, a site that builds, tables."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from satlock.cli.commands import satlock
from satlock.encoder.project.settings import KEYS_OF_SATLOCK
from tests.cli.scene import ROOT, pyproject, scene_of, world_of
from tests.printed import pasted
from tests.world import Dist

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
_BEFORE, _AFTER = r"(?:^\$ |^|&& |run: |- |: )", r"(?= && | \|\| | \| | > |   #|$)"
TABLES = re.compile(r"```toml\n(.*?)```", re.DOTALL)


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.slow
def test_the_screens_are_what_is_printed() -> None:
    done = script("docs/make_screens.py", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_reference_is_that_of_the_commands() -> None:
    done = script("docs/make_reference.py", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    done = script("-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site"))
    assert done.returncode == 0, done.stdout + done.stderr
    for page in ("index.html", "tutorial/index.html", "commands/index.html", "schemas/lock.json"):
        assert (tmp_path / "site" / page).is_file(), page


def commands(page: Path) -> Iterator[str]:
    """Every satlock command that a page tells, in its blocks and in its lines."""
    text = page.read_text("utf-8")
    for block in re.findall(r"```(?:console|bash|yaml|dockerfile|text)\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            yield from re.findall(rf"{_BEFORE}(satlock [a-z].*?){_AFTER}", line.strip())
    yield from re.findall(r"`(satlock [a-z][^`]*)`", text)


def _helps(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _helps(inner, click.Context(inner, info_name=name, parent=context, terminal_width=80))


def test_each_help_ends_with_an_example_that_is_there_and_nothing_is_cut_at_80_columns() -> None:
    seen = 0
    for context in _helps(satlock, click.Context(satlock, info_name="satlock", terminal_width=80)):
        told = context.command.get_help(context)
        for line in told.splitlines():
            cut = line.startswith(" ") and line.endswith("...")
            assert len(line) <= 80 and not cut, (context.command_path, line)
        if context.parent is not None:
            assert not context.command.get_short_help_str().endswith("..."), "shells show it beside the name"
            example = told.rstrip().rpartition("Example:\n")[2].split()
            assert example[: len(context.command_path.split())] == context.command_path.split(), told
            seen += 1
    assert seen > 15


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_every_command_is_there_with_its_options(page: Path) -> None:
    for told in commands(page):
        text = told.partition("  #")[0].partition(" && ")[0].replace("…", "")
        try:
            words = shlex.split(text)[1:]
        except ValueError:
            continue  # a sentence that quotes half a command
        if not words or not re.fullmatch(r"[a-z]+", words[0]):
            continue
        command: click.Command | None = satlock
        context = click.Context(satlock)
        place = 0
        while isinstance(command, click.Group) and place < len(words) and words[place][0] not in "-[":
            command = command.get_command(context, words[place])
            assert command is not None, f"{page.name}: there is no {text!r}"
            place += 1
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} if command else set()
        known |= {"-h", "--help", "--version"}
        for word in words[place:]:
            option = word.partition("=")[0].rstrip(",.;:")
            if option.startswith("--") and len(option) > 2:
                assert option in known, f"{page.name}: {text!r} has no option {option}"


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_every_table_is_valid_and_has_known_keys(page: Path) -> None:
    for text in TABLES.findall(page.read_text("utf-8")):
        if "…" in text or "..." in text:
            continue
        tables = tomllib.loads(text)
        unknown = set(tables.get("tool", {}).get("satlock", {})) - KEYS_OF_SATLOCK
        assert not unknown, f"{page.name}: {unknown}"


def test_a_requirements_file_beside_a_project_is_exported_as_the_documents_say(tmp_path: Path) -> None:
    """Where the folder has a project too, its lock is another one."""
    scene = scene_of(world_of({"a": {"1": Dist()}, "b": {"1": Dist()}}, pyproject("a")), tmp_path)
    assert scene.lock().exit_code == 0
    (scene.project / "requirements.in").write_text("b\n")
    row = next(
        line for line in (ROOT / "docs" / "migrating.md").read_text("utf-8").splitlines() if "uv pip compile" in line
    )
    command = row.split("`")[3].replace(
        "satlock lock", f"satlock lock --corpus {scene.snapshot} --requires-python '>=3.11'"
    )
    done = pasted(command, scene.project)
    assert done.returncode == 0, done.stderr
    assert "b==1" in (scene.project / "requirements.txt").read_text()
