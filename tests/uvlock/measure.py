"""How long a run takes that finds nothing to do: satlock and uv in turn, on the project in the working folder.

    python -m tests.uvlock.measure

The best of nine whole processes of each; the project is locked by satlock first. "verifying" is a run that has no
verdict to recall, so that it verifies the lock from the cached metadata. The cache of satlock is one of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from satlock.corpora.index.cache_folder import default_folder


def seconds(*command: str) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        os.environ.setdefault("UV_CACHE_DIR", subprocess.check_output(("uv", "cache", "dir"), text=True).strip())
        os.environ["XDG_CACHE_HOME"] = cache
        measure()


def measure() -> None:
    satlock = ("satlock", "lock", "--output", "uv.lock")
    for _ in range(2):
        subprocess.run(satlock, check=True, capture_output=True)
    commands = {
        "uv lock": ("uv", "lock"),
        "satlock lock": satlock,
        "uv lock --check": ("uv", "lock", "--check"),
        "satlock lock --check": (*satlock, "--check"),
        "verifying": (*satlock, "--check"),
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(9):
        for name, command in commands.items():
            if name == "verifying":
                shutil.rmtree(Path(default_folder(), "verified"))
            found[name].append(seconds(*command))
    for name, times in found.items():
        print(f"{name:22} {min(times) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
