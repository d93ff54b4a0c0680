"""``satlock export``: what a requirements.txt installs is what the lock installs, in every environment."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from packaging.markers import Marker
from packaging.requirements import Requirement

from satlock.cli.commands import satlock
from satlock.encoder.project.project import ProjectError
from satlock.solver.lockfiles.installed import installed
from satlock.solver.lockfiles.model import PRODUCTION, Switch
from satlock.solver.lockfiles.reading import read_lockfile
from tests.prove.deciding_locks import pylock_text, random_deciding
from tests.prove.locks import origin_lock
from tests.prove.random_locks import environments, holds, random_uv, uv_choices, uv_installs, uv_text

BATCHES, EACH = range(6), 10
OTHERS = {"platform_release": "", "platform_version": "", "implementation_version": "3"}


def export(lockfile: Path, *more: str) -> Result:
    return CliRunner().invoke(satlock, ["export", str(lockfile), *more])


def marks(marker: str | None, environment: dict[str, str]) -> bool:
    return marker is None or Marker(marker).evaluate({**OTHERS, **environment})


@pytest.mark.parametrize("batch", BATCHES)
def test_uv_lock_installs_the_same(batch: int, tmp_path: Path) -> None:
    exported = 0
    for seed in range(batch * EACH, (batch + 1) * EACH):
        chance = random.Random(seed)
        lock = random_uv(chance)
        (tmp_path / "uv.lock").write_text(uv_text(lock))
        lockfile = read_lockfile(tmp_path / "uv.lock").lockfile
        sampled = chance.sample(environments(), 12)
        choices = [choice for choice in uv_choices(lock) if choice[0] and len(choice[1]) == len(lock.members)]
        for choice in chance.sample(choices, min(3, len(choices))):
            _, members, extras, groups = choice
            switches = {Switch("project", m) for m in members} | {PRODUCTION}
            switches |= {Switch("extra", e) for e in extras} | {Switch("group", g) for g in groups}
            expected = [uv_installs(lock, environment, choice) for environment in sampled]
            names = [[lock.entries[i][0] for i in found or ()] for found in expected]
            try:
                found = installed(lockfile, switches)
            except ProjectError:
                # Some environment is refused or gets a package twice, maybe another one than those of the sample.
                continue
            assert None not in expected and all(len(set(each)) == len(each) for each in names), seed
            exported += 1
            for environment, truth in zip(sampled, expected, strict=True):
                assert {one.entry.number for one in found if marks(one.marker, environment)} == truth, (seed, choice)
    assert exported > EACH // 2


@pytest.mark.parametrize("batch", BATCHES)
def test_pylock_installs_the_same(batch: int, tmp_path: Path) -> None:
    exported = 0
    choices = [("extra", "a"), ("extra", "b"), ("group", "g"), ("group", "h")]
    for seed in range(batch * EACH, (batch + 1) * EACH):
        chance = random.Random(seed)
        lock = random_deciding(chance, list(choices), ())
        (tmp_path / "pylock.toml").write_text(pylock_text(lock))
        lockfile = read_lockfile(tmp_path / "pylock.toml").lockfile
        on = set(chance.sample(choices, chance.randint(0, 4)))
        try:
            found = installed(lockfile, {Switch(kind, name) for kind, name in on})
        except ProjectError as error:
            assert "installs both" in str(error)
            continue
        exported += 1
        for environment in environments():
            truth = [i for i, (*_, marker) in enumerate(lock) if holds(marker, environment, on.__contains__)]
            assert [one.entry.number for one in found if marks(one.marker, environment)] == truth, seed
    assert exported >= EACH // 2


def test_one_environment_leaves_no_marker(tmp_path: Path) -> None:
    (tmp_path / "pylock.toml").write_text(_LOCK)
    both = export(
        tmp_path / "pylock.toml", "--python-version", "3.12", "--platform", "linux", "--no-hashes", "--no-group", "dev"
    )
    assert both.stdout.splitlines()[1:] == ["--index-url https://index.example/simple", "a==2.0"]
    python = export(
        tmp_path / "pylock.toml", "--python-version", "3.11.4", "--no-hashes", "--no-group", "dev"
    ).stdout.splitlines()
    assert python[2:] == ["a==1.0", "b==1.0 ; sys_platform == 'win32'"]
    every = export(tmp_path / "pylock.toml").stdout
    assert every.count("--hash=sha256:") == 4
    assert "a==2.0 ; python_full_version >= '3.12' \\\n    --hash=sha256:00" in every.replace(
        "python_version", "python_full_version"
    )


_LOCK = """
lock-version = "1.0"
created-by = "a test"
requires-python = ">=3.11"
extras = ["x"]
dependency-groups = ["dev", "docs"]
default-groups = ["dev"]
[[packages]]
name = "a"
version = "1.0"
marker = "python_full_version < '3.12'"
index = "https://user:s3cret@index.example/simple"
wheels = [{ url = "https://files.example/a-1.0-py3-none-any.whl", hashes = { sha256 = "0000" } }]
[[packages]]
name = "a"
version = "2.0"
marker = "python_full_version >= '3.12'"
index = "https://index.example/simple"
wheels = [{ url = "https://files.example/a-2.0-py3-none-any.whl", hashes = { sha256 = "0001" } }]
[[packages]]
name = "b"
version = "1.0"
marker = "sys_platform == 'win32'"
index = "https://index.example/simple"
wheels = [{ url = "https://files.example/b-1.0-py3-none-any.whl", hashes = { sha256 = "0002", md5 = "00" } }]
[[packages]]
name = "tests"
version = "1.0"
marker = "'dev' in dependency_groups"
archive = { url = "https://files.example/tests.zip", hashes = { sha256 = "0003" }, subdirectory = "sub" }
[[packages]]
name = "site"
marker = "'docs' in dependency_groups or 'x' in extras"
directory = { path = "site", editable = true }
[[packages]]
name = "tool"
version = "1.0"
marker = "'docs' in dependency_groups"
vcs = { type = "git", url = "https://git.example/tool.git", commit-id = "abc", requested-revision = "v1" }
"""


def test_choices_default_groups_and_what_is_from_no_index(tmp_path: Path) -> None:
    lockfile = tmp_path / "pylock.toml"
    lockfile.write_text(_LOCK)
    plain = ["--python-version", "3.12", "--platform", "macos", "--no-hashes", "--no-index-lines"]

    def lines(*more: str) -> list[str]:
        done = export(lockfile, *plain, "-o", str(tmp_path / "out" / "requirements.txt"), *more)
        assert done.exit_code == 0, done.output
        return (tmp_path / "out" / "requirements.txt").read_text().splitlines()[1:]

    (tmp_path / "out").mkdir()
    archive = "tests @ https://files.example/tests.zip#subdirectory=sub"
    assert lines() == ["a==2.0", archive]
    assert lines("--no-default-groups") == lines("--no-group", "dev") == ["a==2.0"]
    assert lines("--extra", "X") == lines("--all-extras") == ["a==2.0", "-e ../site", archive]
    everything = lines("--all-groups")
    assert everything == ["a==2.0", "-e ../site", archive, "tool @ git+https://git.example/tool.git@abc"]
    for line in (everything[0], *everything[2:]):
        Requirement(line)
    told = export(lockfile, "--group", "docs")
    assert "site, tool can have no hash" in told.stderr and "s3cret" not in told.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--extra", "y"), "has no extra 'y'; it has x"),
        (("--group", "y"), "has no group 'y'; it has dev, docs"),
        (("--python-version", "3"), "not a Python such as 3.12"),
        (("--python-version", "3.9"), "not for the environments that are asked for"),
        (("--platform", "amiga"), "is none of linux"),
        (("-o", "gone/requirements.txt"), ""),
    ],
)
def test_a_wrong_command_is_told_in_one_sentence(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "pylock.toml").write_text(_LOCK)
    done = export(tmp_path / "pylock.toml", *arguments)
    assert done.exit_code == (2 if said else 3) and said in done.stderr and not done.stdout


def test_conflicting_choices_are_refused(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(origin_lock())
    done = export(tmp_path / "uv.lock", "--all-extras")
    assert done.exit_code == 2 and "are in conflict" in done.stderr
    done = export(tmp_path / "uv.lock", "--extra", "cpu", "--no-hashes")
    assert [line for line in done.stdout.splitlines() if line.startswith("torch")] == [
        "torch==2.5.1+cpu", "torchmetrics==1.6.0",
    ]  # fmt: skip
    (tmp_path / "uv.lock").write_text(origin_lock(kept=("cpu",)))
    done = export(tmp_path / "uv.lock", "--extra", "cpu")
    assert done.exit_code == 2 and "installs both torch 2.5.1+cpu" in done.stderr, done.output


def test_no_lock_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(satlock, ["export"])
    assert done.exit_code == 2 and "no pylock.toml" in done.stderr


def test_an_entry_without_a_version(tmp_path: Path) -> None:
    """PEP 751 lets an entry leave it out; the names of its files tell it."""
    wheel = 'wheels = [{ url = "https://files.example/a_b-1.5-py3-none-any.whl", hashes = { sha256 = "00" } }]'
    head = 'lock-version = "1.0"\ncreated-by = "a test"\n[[packages]]\nname = "a-b"\n'
    (tmp_path / "pylock.toml").write_text(head + wheel + "\n")
    done = export(tmp_path / "pylock.toml")
    assert done.exit_code == 0, done.output
    assert "a-b==1.5" in done.stdout
    odd = 'archive = { url = "https://files.example/x.zip", hashes = { sha256 = "00" } }\n'
    (tmp_path / "pylock.toml").write_text(head + odd)
    assert "a-b @ https://files.example/x.zip" in export(tmp_path / "pylock.toml").stdout
