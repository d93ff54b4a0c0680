"""Whether a snapshot leads resolvers to what they find live: the figures of docs/corpora.md.

    python -m tests.fidelity corpora/ecosystem/requests-client …

Each project is locked by satlock, uv and pip against the live default index (the user's own), as it was at the
project's ``exclude-newer``. Then it is recorded with ``satlock corpus record --deep 3 --walk uv --walk pip``, and all
three lock again from the snapshot: satlock with ``--corpus``, uv and pip over HTTP from what is served of it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from packaging.utils import canonicalize_name
from platformdirs import user_cache_path

from satlock.corpora.compare.asked import asked_by
from satlock.corpora.compare.peers import PEERS, installed, python_for
from satlock.corpora.index.default_index import default_index_url
from satlock.corpora.recorded.served import Served
from satlock.corpora.recorded.serving import CorpusServer
from satlock.corpora.recorded.snapshot import SnapshotCorpus

Pins = frozenset[tuple[str, str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="+", type=Path)
    arguments = parser.parse_args()
    print("| project | satlock | uv | pip | recording | snapshot |")
    print("| --- | --- | --- | --- | --- | --- |")
    for project in arguments.projects:
        print(compared(project), flush=True)


def compared(project: Path) -> str:
    """A row: how many packages each locks live, and whether it locks the same from the snapshot."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch, project.name)
        place.mkdir()
        text = (project / "pyproject.toml").read_text(encoding="utf-8")
        (place / "pyproject.toml").write_text(text, encoding="utf-8")
        moment = asked_by(text).exclude_newer
        cells = []
        live_lock = satlock("lock", "--project", str(place), "--output", str(place / "pylock.live.toml"))
        live_uv = uv(place, default_index_url())
        live_pip = pip(place, default_index_url(), moment)
        path = Path(scratch, "one.snapshot")
        begin = time.perf_counter()
        satlock("corpus", "record", "--deep", "3", "--walk", "uv", "--walk", "pip", "--output", str(path), str(place))
        seconds = time.perf_counter() - begin
        satlock("lock", "--project", str(place), "--corpus", str(path))
        same = (place / "pylock.toml").read_bytes() == (place / "pylock.live.toml").read_bytes()
        packages = len(tomllib.loads((place / "pylock.toml").read_text(encoding="utf-8"))["packages"])
        cells.append(f"{packages}, {'same bytes' if same else 'NOT THE SAME'}" if live_lock else "no lock")
        snapshot = SnapshotCorpus(path)
        with CorpusServer(Served(snapshot), snapshot.indexes, snapshot.default_index) as server:
            index = server.url(snapshot.default_index or "", moment)
            cells.append(_cell(live_uv, uv(place, index)))
            cells.append(_cell(live_pip, pip(place, index, None)))
        size = path.stat().st_size
    return f"| {project.name} | {' | '.join(cells)} | {seconds:.0f} s | {size / 1e6:.2f} MB |"


def _cell(live: Pins | str, served: Pins | str) -> str:
    if isinstance(live, str) or isinstance(served, str):
        return (
            f"{live if isinstance(live, str) else len(live)}, then {served if isinstance(served, str) else len(served)}"
        )
    other = ", ".join(f"{name} {version}" for name, version in sorted(live ^ served))
    return f"{len(live)}, the same" if not other else f"{len(live)}, different: {other}"


def satlock(*arguments: str) -> bool:
    command = [sys.executable, "-m", "satlock", *arguments, "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    return done.returncode == 0


def uv(place: Path, index: str) -> Pins | str:
    (place / "uv.lock").unlink(missing_ok=True)
    python = python_for(asked_by((place / "pyproject.toml").read_text(encoding="utf-8")).requires_python)
    if python is None:
        return "no Python"
    command = ["uv", "lock", "--quiet", "--project", str(place), "--default-index", index, "--python", python]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return "no lock"
    found = tomllib.loads((place / "uv.lock").read_text(encoding="utf-8"))["package"]
    return frozenset((one["name"], one["version"]) for one in found if "registry" in one["source"])


def pip(place: Path, index: str, moment: str | None) -> Pins | str:
    asked = asked_by((place / "pyproject.toml").read_text(encoding="utf-8"))
    python = python_for(asked.requires_python)
    if python is None:
        return "no Python"
    folder = os.environ.get("SATLOCK_PEERS") or user_cache_path("satlock", appauthor=False) / "peers"
    program = installed(PEERS["pip"], python, Path(folder)).program
    command = [*program, "install", "--dry-run", "--quiet", "--ignore-installed", "--no-cache-dir", "--report", "-",
               "--index-url", index, *map(str, asked.dependencies)]  # fmt: skip
    if moment is not None:
        command += ["--uploaded-prior-to", moment]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PIP_CONFIG_FILE": os.devnull}
    )
    if done.returncode:
        return "no lock"
    found = json.loads(done.stdout)["install"]
    return frozenset((canonicalize_name(one["metadata"]["name"]), one["metadata"]["version"]) for one in found)


if __name__ == "__main__":
    main()
