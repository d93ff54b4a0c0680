"""How long it takes to tell why there is no lock, and what would change that: satlock on projects that have none.

    python -m tests.clashes [NAME ...] [--runs 5]

For each of ``CLASHES``: seconds until the story is there and until the last way out is, medians of runs with a warm
cache, beside them the seconds that processors worked for it, which other work on the machine hardly touches, and the
packages that a lock of the project without its clash has. Needs an index; nothing here runs in CI.
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

from tests.benchmark.sets import locked_versions

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


def script(dependencies: Sequence[str]) -> str:
    """The same as a script with inline metadata, for which satlock tells the story and looks for no ways out."""
    lines = ['requires-python = ">=3.11"', f"dependencies = {json.dumps(list(dependencies))}"]
    return "\n".join(("# /// script", *(f"# {line}" for line in lines), "# ///", ""))


@dataclass(frozen=True)
class Run:
    """Seconds until the story is there, until the end, and of processors; and the exit code."""

    story: float
    end: float
    worked: float
    code: int


def run(source: Path, cache: Path) -> Run:
    command = [sys.executable, "-m", "satlock", "lock", str(source), "--cache-dir", str(cache)]
    before, began = os.times(), time.perf_counter()
    story, seen = 0.0, b""
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        while chunk := os.read(process.stderr.fileno(), 65536):
            seen += chunk
            if not story and _STORY in seen:
                story = time.perf_counter() - began
    after, end = os.times(), time.perf_counter() - began
    worked = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(story, end, worked, process.returncode)


def measure(clash: Clash, runs: int, cache: Path) -> str:
    """A line of the table."""
    with tempfile.TemporaryDirectory() as scratch:
        file, alone = Path(scratch, "pyproject.toml"), Path(scratch, "clash.py")
        file.write_text(project([one for one in clash.dependencies if one != clash.without]), encoding="utf-8")
        if run(file.parent, cache).code:
            raise SystemExit(f"{clash.name}: does not lock without {clash.without}")
        packages = len(locked_versions(file.parent, "satlock"))
        file.with_name("pylock.toml").unlink()
        file.write_text(project(clash.dependencies), encoding="utf-8")
        alone.write_text(script(clash.dependencies), encoding="utf-8")
        whole, told = ([run(source, cache) for _ in range(runs + 1)][1:] for source in (file.parent, alone))
    if any(one.code != 1 for one in (*whole, *told)):
        raise SystemExit(f"{clash.name}: has a lock, or could not be looked at")
    figures = (
        statistics.median(one.story for one in whole),
        statistics.median(one.worked for one in told),
        statistics.median(one.end for one in whole),
        statistics.median(one.worked for one in whole),
    )
    return f"| {clash.name} | {packages} | {' | '.join(f'{figure:.1f}' for figure in figures)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="clashes to run; all of them by default")
    parser.add_argument("--runs", type=int, default=5, help="timed runs")
    parser.add_argument("--cache", type=Path, help="keep the cache here")
    arguments = parser.parse_args()
    print("| clash | packages | story, s | of processors | all ways out, s | of processors |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        for clash in CLASHES:
            if not arguments.names or clash.name in arguments.names:
                print(measure(clash, arguments.runs, arguments.cache or Path(scratch)), flush=True)


if __name__ == "__main__":
    main()
