"""Digests of what satlock writes, to see that a change which should alter nothing alters nothing.

    python -m tests.digests keep FILE       # lock everything, and keep the digests
    python -m tests.digests compare FILE    # lock everything again: prints "equal", or what differs

Locked are the recorded projects of ``corpora/``, to ``pylock.toml`` and ``uv.lock``, with certificates, and random
worlds. ``--worlds N`` sets how many of these (default 300); ``--only TEXT`` takes the projects with this in their path;
``--seconds S`` is the limit for one project (default 60).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from satlock.encoder.project.project import ProjectError
from satlock.encoder.project.reading import read_project
from satlock.solver.locking import lock
from satlock.solver.search.search import NoLock
from satlock.solver.writing.pylock_text import to_toml
from tests.splitting import splitting_world
from tests.strategies import random_world
from tests.world import MemoryCorpus

CORPORA = Path(__file__).parents[1] / "corpora"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def recorded(only: str, seconds: float) -> dict[str, str]:
    """By project, format and file: what satlock wrote, or how it ended."""
    projects = [
        (project, next(iter(sorted((*project.glob("*.snapshot"), *project.parent.glob("*.snapshot"))))))
        for project in sorted(path.parent for path in CORPORA.rglob("pyproject.toml"))
        if only in str(project.relative_to(CORPORA))
        if [*project.glob("*.snapshot"), *project.parent.glob("*.snapshot")]
    ]
    asked = [(project, snapshot, name) for project, snapshot in projects for name in ("pylock.toml", "uv.lock")]
    found: dict[str, str] = {}
    with ThreadPoolExecutor(2) as pool:
        for part in pool.map(lambda each: _locked(*each, seconds), asked):
            found |= part
    return found


def _locked(project: Path, snapshot: Path, name: str, seconds: float) -> dict[str, str]:
    told = f"{project.relative_to(CORPORA)} {name}"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "project")
        folder.mkdir()
        (folder / "pyproject.toml").write_bytes((project / "pyproject.toml").read_bytes())
        command = [
            sys.executable,
            "-m",
            "satlock",
            "lock",
            "--quiet",
            "--project",
            str(folder),
            "--corpus",
            str(snapshot),
        ]
        options = ["--output", str(folder / name), "--certificate", str(folder / "certificate"), "--no-cache"]
        try:
            done = subprocess.run([*command, *options], capture_output=True, check=False, timeout=seconds)
        except subprocess.TimeoutExpired:
            return {told: "over the limit"}
        said = done.stderr.replace(scratch.encode(), b"").replace(bytes(CORPORA), b"")
        written = {
            f"{told} {path.relative_to(folder).as_posix()}": _digest(path.read_bytes())
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != "pyproject.toml"
        }
        return {told: f"exit {done.returncode} {_digest(said)}", **written}


def random_worlds(count: int) -> Iterator[tuple[str, str]]:
    for draw in (random_world, splitting_world):
        for seed in range(count // 2):
            with tempfile.TemporaryDirectory() as scratch:
                world = draw(seed)
                try:
                    project = read_project(world.write_project(Path(scratch)))
                    found = lock(project, MemoryCorpus(world), default_index=world.default_index)
                    text = to_toml(found.lock)
                except (NoLock, ProjectError) as none:
                    text = f"{type(none).__name__} {getattr(none, 'witness', '')}"
                yield f"{draw.__name__} {seed}", _digest(text.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("keep", "compare"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--worlds", type=int, default=300)
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    found = dict(random_worlds(options.worlds)) | recorded(options.only, options.seconds)
    if options.what == "keep":
        options.file.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(f"{len(found)} digests kept")
        return
    known = json.loads(options.file.read_text(encoding="utf-8"))
    different = sorted(key for key in known.keys() | found.keys() if known.get(key) != found.get(key))
    print("\n".join(f"{key}: {known.get(key)} was, {found.get(key)} is" for key in different) or "equal")
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
