"""``satlock diff``: two locks of any kind, files or revisions, environment by environment."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from packaging.markers import Marker

from satlock.cli.commands import satlock
from satlock.solver.lockfiles.difference import compared
from satlock.solver.lockfiles.graph import graph_of
from tests.prove.deciding_locks import pylock_text, random_deciding
from tests.prove.random_locks import ENVIRONMENTS, holds

ARCHIVE = f'archive = {{ url = "https://files.example/a.zip", hashes = {{ sha256 = "{"0" * 64}" }} }}'


def ask(*arguments: object) -> Result:
    return CliRunner().invoke(satlock, ["diff", *map(str, arguments)])


def lock(path: Path, *packages: tuple[str, str, str], head: str = "", digest: str = "0" * 64) -> Path:
    lines = ['lock-version = "1.0"', 'created-by = "a test"', head]
    for name, version, marker in packages:
        lines += ["[[packages]]", f'name = "{name}"', f'version = "{version}"', ARCHIVE.replace("0" * 64, digest)]
        lines += [f'marker = "{marker}"'] if marker else []
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    before = lock(tmp_path / "pylock.old.toml", ("a", "1", ""), ("b", "2", ""), ("same", "1", ""), ("gone", "1", ""))
    windows = "sys_platform == 'win32'"
    after = lock(
        tmp_path / "pylock.new.toml",
        *(("a", "2", windows), ("a", "1", "sys_platform != 'win32'"), ("b", "1", "")),
        *(("same", "1", ""), ("new", "1", windows)),
    )
    return before, after


def test_what_a_person_reads(pair: tuple[Path, Path]) -> None:
    done = ask(*pair)
    assert done.exit_code == 0 and done.stdout.splitlines()[1:] == [
        "  ↑ a     1 → 2  where sys_platform == 'win32'",
        "  ↓ b     2 → 1",
        "  - gone  1",
        "  + new   1  where sys_platform == 'win32'",
        "1 package the same",
    ]
    assert "1 added, 1 removed, 1 newer, 1 older" in done.stdout


def test_for_a_pull_request(pair: tuple[Path, Path]) -> None:
    said = ask(*pair, "--markdown").stdout
    assert "| newer | `a` | `1` | `2` | `sys_platform == 'win32'` |" in said
    assert "| removed | `gone` | `1` | — | everywhere |" in said
    assert "| --- | --- | --- | --- | --- |" in said


def test_what_a_program_reads(pair: tuple[Path, Path]) -> None:
    found = json.loads(ask(*pair, "--json").stdout)
    assert found["counts"] == {"newer": 1, "older": 1, "removed": 1, "added": 1, "unchanged": 1}
    assert found["changes"][0]["after"]["version"] == "2"
    assert found["changes"][0]["marker"] == "sys_platform == 'win32'"


def test_the_exit_code(pair: tuple[Path, Path]) -> None:
    assert ask(*pair, "--exit-code").exit_code == 1
    assert ask(pair[0], pair[0], "--exit-code").exit_code == 0
    assert "nothing has changed" in ask(pair[0], pair[0]).stdout


def test_another_content_under_the_same_name_is_told(tmp_path: Path) -> None:
    before = lock(tmp_path / "pylock.old.toml", ("a", "1", ""))
    after = lock(tmp_path / "pylock.new.toml", ("a", "1", ""), digest="1" * 64)
    assert "! a  1 with other hashes for a.zip" in ask(before, after).stdout


def test_other_environments(tmp_path: Path) -> None:
    """Nothing has changed where only one of the locks is for; that it is for others is told."""
    before = lock(tmp_path / "pylock.old.toml", ("a", "1", ""), head='requires-python = ">=3.11"')
    after = lock(tmp_path / "pylock.new.toml", ("a", "1", ""), head='requires-python = ">=3.12"')
    said = ask(before, after).stdout
    assert "nothing has changed" in said and "no longer for: python_version < '3.12'" in said
    never = lock(tmp_path / "pylock.never.toml", ("a", "1", ""), head='requires-python = "<3.11"')
    done = ask(before, never)
    assert done.exit_code == 2 and "no environment in common" in done.stderr


@pytest.mark.parametrize("batch", range(4))
def test_every_environment_alone(batch: int, tmp_path: Path) -> None:
    """What is told to change somewhere is what changes there, and nothing else does."""
    for seed in range(batch * 15, batch * 15 + 15):
        chance = random.Random(seed)
        choices = [("extra", "a"), ("extra", "b"), ("group", "g")]
        locks = [random_deciding(chance, choices, ()) for _ in range(2)]
        for one, name in zip(locks, ("pylock.old.toml", "pylock.new.toml"), strict=True):
            (tmp_path / name).write_text(pylock_text(one))
        found = compared(graph_of(tmp_path / "pylock.old.toml"), graph_of(tmp_path / "pylock.new.toml"))
        for environment, on in itertools.product(chance.sample(ENVIRONMENTS, 5), _subsets(choices)):
            before, after = ({(n, v) for n, v, _, m in one if holds(m, environment, on.__contains__)} for one in locks)
            right = {
                (name, old, new)
                for name in {name for name, _ in before | after}
                for old in [v for n, v in before if n == name] or [None]
                for new in [v for n, v in after if n == name] or [None]
                if old != new
            }
            said = {
                (one.name, one.before and one.before.version, one.after and one.after.version)
                for one in found.changes
                if _holds(one.marker, environment, on)
            }
            assert said == right, (seed, environment, on)


def _subsets(choices: list[tuple[str, str]]) -> list[frozenset[tuple[str, str]]]:
    return [frozenset(c for c, kept in zip(choices, bits, strict=True) if kept) for bits in
            itertools.product((False, True), repeat=len(choices))]  # fmt: skip


def _holds(marker: str | None, environment: dict[str, str], on: frozenset[tuple[str, str]]) -> bool:
    extras, groups = (frozenset(name for kind, name in on if kind == which) for which in ("extra", "group"))
    asked: dict[str, str | frozenset[str]] = {**environment, "extras": extras, "dependency_groups": groups}
    return marker is None or Marker(marker).evaluate(asked, context="lock_file")


class TestRevisions:
    @pytest.fixture
    def repository(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "sub").mkdir()
        for version in ("1", "2"):
            lock(tmp_path / "pylock.toml", ("a", version, ""))
            lock(tmp_path / "sub" / "pylock.toml", ("b", version, ""))
            self.git("init", "-q") if version == "1" else None
            self.git("add", "-A")
            self.git("commit", "-qm", version)
        lock(tmp_path / "pylock.toml", ("a", "3", ""))
        return tmp_path

    @staticmethod
    def git(*arguments: str) -> None:
        who = {f"GIT_{role}_{what}": "a@b.example" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(["git", *arguments], check=True, env={**os.environ, **who}, capture_output=True)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ((), "a  2 → 3"),
            (("HEAD~1",), "a  1 → 3"),
            (("HEAD~1", "HEAD"), "a  1 → 2"),
            (("HEAD~1:sub/pylock.toml", "HEAD:sub/pylock.toml"), "b  1 → 2"),
            (("HEAD:pylock.toml", "pylock.toml"), "a  2 → 3"),
        ],
    )
    def test_what_is_compared(self, repository: Path, arguments: tuple[str, ...], said: str) -> None:
        assert said in ask(*arguments).stdout

    def test_in_a_folder_below(self, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(repository / "sub")
        assert "b  1 → 2" in ask("HEAD~1").stdout
        assert "nothing has changed" in ask().stdout

    @pytest.mark.parametrize(
        "arguments", [("gone",), ("HEAD:gone.toml",), ("--", "--output=x"), ("HEAD:../../etc/passwd",), ("HEAD~9",)]
    )
    def test_what_is_not_there(self, repository: Path, arguments: tuple[str, ...]) -> None:
        done = ask(*arguments)
        assert done.exit_code == 2 and "revision" in done.stderr and len(done.stderr.splitlines()) == 1
        assert not (repository / "x").exists()
