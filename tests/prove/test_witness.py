"""uv itself as the witness: what ``uv sync --frozen`` installs is what the walk says, duplicates included."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from satlock.solver.lockfiles.model import PRODUCTION, Switch
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.proofs.counterexample import command
from satlock.solver.proofs.unique import prove_unique
from satlock.solver.proofs.walk import Point, walk
from tests.index_server import IndexServer
from tests.prove.locks import origin_lock, write_lock
from tests.prove.random_locks import RandomLock, random_uv, uv_choices, uv_installs, uv_text
from tests.world import DEFAULT, Dist, World

pytestmark = pytest.mark.skipif(
    shutil.which("uv") is None or sys.platform != "linux" or platform.machine() != "x86_64",
    reason="needs uv, on a platform that the locks below speak of",
)

HERE = {
    "python_full_version": platform.python_version(),
    "python_version": ".".join(platform.python_version_tuple()[:2]),
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
}


def _project(folder: Path, name: str, extras: list[str], groups: list[str]) -> None:
    lines = ["[project]", f'name = "{name}"', 'version = "0"', 'requires-python = ">=3.9"']
    lines += ["[project.optional-dependencies]", *(f"{extra} = []" for extra in extras)]
    lines += ["[dependency-groups]", *(f"{group} = []" for group in groups), "[tool.uv]", "package = false"]
    write_lock(folder, "\n".join(lines) + "\n", "pyproject.toml")


def _sync(folder: Path, words: list[str]) -> set[str] | None:
    """The distributions that uv installs (as name-version); None where it refuses the choice."""
    environment = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "UV_PYTHON")}
    environment |= {"UV_PROJECT_ENVIRONMENT": str(folder / "venv"), "UV_CACHE_DIR": str(folder / "cache")}
    shutil.rmtree(folder / "venv", ignore_errors=True)
    done = subprocess.run(
        ["uv", "sync", "--frozen", "--python", sys.executable, "--link-mode", "copy", "--no-config",
         "--no-default-groups", *words],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        assert "onflict" in done.stderr or "incompatible with" in done.stderr, done.stderr
        return None
    return {path.name.removesuffix(".dist-info") for path in (folder / "venv").rglob("*.dist-info")}


def _with_files(text: str, server: IndexServer) -> str:
    """The lock with the addresses and digests of the stand-ins."""
    url = server.url(DEFAULT)
    text = text.replace('editable = "."', 'virtual = "."').replace("https://index.example/simple", url)
    listings: dict[str, dict[str, str]] = {}
    lines = []
    for line in text.splitlines():
        lines.append(line)
        if line.startswith("name = "):
            name = line.split('"')[1]
        elif line.startswith('version = "') and "name" in locals():
            version = line.split('"')[1]
        elif line.startswith("source = { registry"):
            if name not in listings:
                asked = urllib.request.Request(
                    f"{url}/{name}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
                )
                with urllib.request.urlopen(asked) as answer:
                    files = json.load(answer)["files"]
                listings[name] = {file["filename"]: file["url"] for file in files}
            file = f"{name}-{version}-py3-none-any.whl"
            address = urllib.parse.urljoin(f"{url}/{name}/", listings[name][file])
            digest = hashlib.sha256(server.file(DEFAULT, file)).hexdigest()
            lines.append(f'wheels = [{{ url = "{address}", hash = "sha256:{digest}" }}]')
    return "\n".join(lines) + "\n"


def _world(lock: RandomLock) -> World:
    packages: dict[str, dict[str, Dist]] = {}
    for name, version in lock.entries:
        packages.setdefault(name, {})[version] = Dist()
    return World("", {DEFAULT: packages})


def _names(lock: RandomLock, numbers: set[int]) -> set[str]:
    return {"-".join(lock.entries[n]) for n in numbers if lock.entries[n][0] not in lock.members}


def _seeds(wanted: int, refuted: bool) -> list[int]:
    """Locks of one member in which some choice installs two of a name here, or none does."""
    found = []
    for seed in range(400):
        lock = random_uv(random.Random(seed))
        # What this machine's release is, no lock that is drawn knows.
        unknown = re.search(r"platform_(release|version)|implementation_version", uv_text(lock))
        if len(lock.members) == 1 and unknown is None:
            twice = False
            for choice in uv_choices(lock):
                names = [lock.entries[n][0] for n in uv_installs(lock, HERE, choice) or ()]
                twice = twice or len(names) != len(set(names))
            if twice == refuted:
                found.append(seed)
        if len(found) == wanted:
            break
    return found


@pytest.mark.parametrize("seed", _seeds(8, refuted=True) + _seeds(6, refuted=False))
def test_installs_what_the_walk_says(seed: int, tmp_path: Path, index_server: Callable[..., IndexServer]) -> None:
    lock = random_uv(random.Random(seed))
    server = index_server(_world(lock))
    path = write_lock(tmp_path, _with_files(uv_text(lock), server))
    lockfile = read_lockfile(path).lockfile
    groups = sorted({key for (_, kind, key) in lock.edges if kind == "group"})
    _project(tmp_path, "app", ["a", "b", "c"], groups)
    choices = [choice for choice in uv_choices(lock) if choice[0]]

    def interesting(choice: tuple[bool, frozenset[str], frozenset[str], frozenset[str]]) -> tuple[bool, int]:
        names = [lock.entries[n][0] for n in uv_installs(lock, HERE, choice) or ()]
        return len(names) != len(set(names)), len(names)

    for choice in sorted(choices, key=interesting, reverse=True)[:2]:
        _, members, extras, with_groups = choice
        switches = frozenset(
            [*(Switch("project", m) for m in members), PRODUCTION, *(Switch("extra", e) for e in extras)]
            + [Switch("group", g) for g in with_groups]
        )
        walked = walk(lockfile, Point(HERE, switches, {}))
        expected = {int(node) for node in walked.reached if node.isdigit()} if walked.refused is None else None
        words = [word for extra in sorted(extras) for word in ("--extra", extra)]
        words += [word for group in sorted(with_groups) for word in ("--group", group)]
        installed = _sync(tmp_path, words)
        assert installed == (None if expected is None else _names(lock, expected)), choice


_ONLY_HERE = (
    f"python_full_version == '{platform.python_version()}' and sys_platform == 'linux' "
    "and platform_machine == 'x86_64' and implementation_name == 'cpython'"
)


@pytest.mark.parametrize("seed", _seeds(6, refuted=True))
def test_the_printed_command_installs_both(seed: int, tmp_path: Path, index_server: Callable[..., IndexServer]) -> None:
    """Refuted for this very platform, so that what is printed can be run here."""
    lock = random_uv(random.Random(seed))
    text = _with_files(uv_text(lock), index_server(_world(lock)))
    text = text.replace("revision = 3\n", f'revision = 3\nsupported-markers = ["{_ONLY_HERE}"]\n')
    reading = read_lockfile(write_lock(tmp_path, text))
    _project(tmp_path, "app", ["a", "b", "c"], sorted({key for (_, kind, key) in lock.edges if kind == "group"}))
    refuted = [answer for answer in prove_unique(reading).answers if not answer.proven]
    assert refuted
    for answer in refuted[:2]:
        assert answer.point is not None
        printed = command(reading.lockfile, answer.point).split()
        assert printed[:5] == ["uv", "sync", "--frozen", "--python", platform.python_version()]
        installed = _sync(tmp_path, [word for word in printed[5:] if word != "--no-default-groups"])
        assert installed is not None
        assert {f"{entry.name}-{entry.version}" for entry in answer.reached} <= installed


def test_the_origins_lock(tmp_path: Path, index_server: Callable[..., IndexServer]) -> None:
    """Proven with its conflict markers; without one of them uv installs two builds by the command that is printed."""
    versions = {"2.5.1": Dist(), "2.5.1+cpu": Dist(), "2.5.1+cu124": Dist()}
    server = index_server(World("", {DEFAULT: {"torch": versions, "torchmetrics": {"1.6.0": Dist()}}}))
    _project(tmp_path, "origin", ["cpu", "cu124"], [])
    both = ("cpu", "cu124")
    for kept, conflicts, twice in ((both, True, False), (("cu124",), True, True), (both, False, True)):
        text = re.sub(r"registry = \"INDEX/\w+\"", 'registry = "https://index.example/simple"',
                      origin_lock(kept=kept, conflicts=conflicts, index="INDEX"))  # fmt: skip
        text = "\n".join(line for line in text.splitlines() if not line.startswith("wheels"))
        text = _with_files(text.replace(">=3.12", ">=3.9"), server)
        reading = read_lockfile(write_lock(tmp_path, text))
        answer = next(a for a in prove_unique(reading).answers if a.name == "torch")
        assert answer.proven == (not twice)
        words: list[str] = ["--extra", "cu124"]
        if answer.point is not None:
            printed = command(reading.lockfile, answer.point).split()
            assert printed[:3] == ["uv", "sync", "--frozen"]
            words = printed[printed.index("--no-default-groups") + 1 :]
        installed = _sync(tmp_path, words)
        assert installed is not None
        builds = {name for name in installed if name.startswith("torch-")}
        assert len(builds) == (2 if twice else 1)
        if twice:
            assert builds == {f"torch-{entry.version}" for entry in answer.reached}
