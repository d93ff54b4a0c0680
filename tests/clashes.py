"""How long it takes to tell why there is no lock, and what would change that: satlock on projects that have none.

    python -m tests.clashes [NAME ...] [--runs 5]

For each of ``CLASHES``: seconds until the story is there and until the last way out is, medians of runs with a warm
cache, and the packages that a lock of the project without its clash has. Needs an index; nothing here runs in CI.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmark import locked_versions

_STORY = b"No lock exists"


@dataclass(frozen=True)
class Clash:
    """A project, and the one of its requirements without which it locks."""

    name: str
    dependencies: tuple[str, ...]
    without: str


CLASHES = (
    Clash(
        "direct, small",
        ("fastapi>=0.115", "starlette<=0.36.0"),
        "starlette<=0.36.0",
    ),
    Clash(
        "direct, about 200",
        (
            "jupyterlab", "mlflow>=2.9", "streamlit", "dask[complete]", "great-expectations", "fastapi[standard]",
            "celery[redis]", "sqlalchemy<1.4", "seaborn", "scikit-learn", "httpx", "boto3",
        ),
        "sqlalchemy<1.4",
    ),
    Clash(
        "two levels down, about 200",
        (
            "jupyterlab", "mlflow", "streamlit", "dask[complete]", "s3fs>=2024.2", "botocore<1.30",
            "fastapi[standard]", "dagster", "scikit-learn", "prefect",
        ),
        "botocore<1.30",
    ),
    Clash(
        "direct, about 300",
        (
            "jupyterlab", "mlflow", "streamlit", "dagster", "dask[complete]", "spacy", "transformers[torch]", "boto3",
            "s3fs", "gradio", "pandas>=2.2", "numpy<1.20",
        ),
        "numpy<1.20",
    ),
)  # fmt: skip


def project(dependencies: Sequence[str]) -> str:
    return (
        f'[project]\nname = "clash"\nversion = "1"\nrequires-python = ">=3.11"\n'
        f"dependencies = {json.dumps(list(dependencies))}\n"
    )


def run(folder: Path, cache: Path) -> tuple[float, float, int]:
    """Seconds until the story and until the end, and the exit code."""
    command = [sys.executable, "-m", "cli.main", "lock", "--project", str(folder), "--cache-dir", str(cache)]
    began = time.perf_counter()
    story, seen = 0.0, b""
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        while chunk := os.read(process.stderr.fileno(), 65536):
            seen += chunk
            if not story and _STORY in seen:
                story = time.perf_counter() - began
    return story, time.perf_counter() - began, process.returncode


def measure(clash: Clash, runs: int, cache: Path) -> tuple[int, float, float]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        text = project([one for one in clash.dependencies if one != clash.without])
        (folder / "pyproject.toml").write_text(text, encoding="utf-8")
        if run(folder, cache)[2]:
            raise SystemExit(f"{clash.name}: does not lock without {clash.without}")
        packages = len(locked_versions(folder, "satlock"))
        (folder / "pylock.toml").unlink()
        (folder / "pyproject.toml").write_text(project(clash.dependencies), encoding="utf-8")
        times = [run(folder, cache) for _ in range(runs + 1)][1:]
        if any(code != 1 for *_, code in times):
            raise SystemExit(f"{clash.name}: has a lock, or could not be looked at")
    return packages, statistics.median(t[0] for t in times), statistics.median(t[1] for t in times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="clashes to run; all of them by default")
    parser.add_argument("--runs", type=int, default=5, help="timed runs")
    parser.add_argument("--cache", type=Path, help="keep the cache here")
    arguments = parser.parse_args()
    print("| clash | packages | story, s | all ways out, s |")
    print("| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        for clash in CLASHES:
            if not arguments.names or clash.name in arguments.names:
                packages, story, end = measure(clash, arguments.runs, arguments.cache or Path(scratch))
                print(f"| {clash.name} | {packages} | {story:.1f} | {end:.1f} |", flush=True)


if __name__ == "__main__":
    main()
