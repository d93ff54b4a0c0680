"""satlock against uv on real requirement sets: wall time cold and warm, memory, and what the two locks say.

    python -m tests.benchmark --runs 3 --output docs/benchmark.md [NAME ...]

Both run in one session and in turns, each with caches of its own, against the same index (PyPI, or what the user's
configuration says). Ratios are the result; absolute times belong to the machine. Needs ``uv`` and ``satlock`` in the
environment; nothing here runs in CI.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

SETS = Path(__file__).with_name("benchmark_sets.toml")
TOOLS = ("uv", "satlock")
LIMIT = 600
"""Seconds after which a run is given up."""


@dataclass(frozen=True)
class Run:
    """One run of one tool: seconds, megabytes at its peak (of its largest process), its exit code, and the seconds that
    processors worked for it, which other work on the machine hardly touches.
    """

    seconds: float
    megabytes: float
    code: int
    worked: float = 0.0


@dataclass
class Result:
    """What came of one set."""

    name: str
    kind: str
    cold: dict[str, list[Run]] = field(default_factory=lambda: {tool: [] for tool in TOOLS})
    warm: dict[str, list[Run]] = field(default_factory=lambda: {tool: [] for tool in TOOLS})
    packages: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """For each tool the versions of each name in its lock."""
    direct: list[str] = field(default_factory=list)

    def ratio(self, which: str) -> float | None:
        """satlock's median time over uv's; None where one of them failed."""
        runs: Mapping[str, Sequence[Run]] = getattr(self, which)
        if any(run.code for tool in TOOLS for run in runs[tool]) or not all(runs[tool] for tool in TOOLS):
            return None
        ours, theirs = (statistics.median(run.seconds for run in runs[tool]) for tool in ("satlock", "uv"))
        return ours / theirs


def measured(command: list[str]) -> Run:
    """Runs a command with a limit, and reads its peak memory from the kernel."""
    begin = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    deadline = begin + LIMIT
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            break
        if time.perf_counter() > deadline:
            os.kill(child, 9)
        time.sleep(0.005)
    worked = usage.ru_utime + usage.ru_stime
    return Run(time.perf_counter() - begin, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status), worked)


def lock(tool: str, folder: Path, cache: Path) -> Run:
    for name in ("uv.lock", "pylock.toml"):
        (folder / name).unlink(missing_ok=True)
    if tool == "uv":
        command = ["uv", "lock", "--quiet", "--project", str(folder), "--cache-dir", str(cache)]
        # The lock must not depend on the interpreter that runs this; uv asks for one all the same.
        command += ["--python", sys.executable]
    else:
        command = [sys.executable, "-m", "satlock", "lock", "--quiet", "--project", str(folder)]
        command += ["--cache-dir", str(cache)]
    with open(os.devnull, "w") as sink:
        saved = os.dup(2)
        os.dup2(sink.fileno(), 2)
        try:
            return measured(command)
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def locked_versions(folder: Path, tool: str) -> dict[str, list[str]]:
    path = folder / ("uv.lock" if tool == "uv" else "pylock.toml")
    if not path.exists():
        return {}
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    rows = document["package" if tool == "uv" else "packages"]
    found: dict[str, list[str]] = {}
    for row in rows:
        if tool == "satlock" or "registry" in row["source"]:
            found.setdefault(row["name"], []).append(row["version"])
    return found


def project(one: Mapping[str, Any]) -> str:
    lines = ["[project]", f'name = "benchmark-{one["name"]}"', 'version = "0"']
    lines += [f'requires-python = "{one["requires-python"]}"', f"dependencies = {json.dumps(one['dependencies'])}"]
    if "exclude-newer" in one:
        lines += ["[tool.uv]", f'exclude-newer = "{one["exclude-newer"]}"']
    return "\n".join(lines) + "\n"


def run_set(one: Mapping[str, Any], runs: int, cold_runs: int) -> Result:
    result = Result(one["name"], one["kind"])
    result.direct = [text.partition("[")[0].split(">")[0].split("=")[0].split("<")[0] for text in one["dependencies"]]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "project"
        folder.mkdir()
        (folder / "pyproject.toml").write_text(project(one), encoding="utf-8")
        for turn in range(max(runs, cold_runs)):
            for tool in TOOLS if turn % 2 == 0 else TOOLS[::-1]:
                cache = Path(scratch) / tool
                if turn < cold_runs:
                    shutil.rmtree(cache, ignore_errors=True)
                    result.cold[tool].append(lock(tool, folder, cache))
                if turn < runs:
                    result.warm[tool].append(lock(tool, folder, cache))
                result.packages[tool] = locked_versions(folder, tool)
    return result


def differences(result: Result) -> dict[str, list[str]]:
    """Names on which the locks differ, by what kind of difference it is."""
    theirs, ours = result.packages.get("uv", {}), result.packages.get("satlock", {})
    found: dict[str, list[str]] = {"one for all": [], "version": [], "only uv": [], "only satlock": []}
    for name in sorted({*theirs, *ours}):
        if name not in ours:
            found["only uv"].append(name)
        elif name not in theirs:
            found["only satlock"].append(name)
        elif sorted(theirs[name]) != sorted(ours[name]):
            several = len(theirs[name]) > 1 and set(ours[name]) < set(theirs[name])
            found["one for all" if several else "version"].append(name)
    return found


def table(results: Sequence[Result]) -> Iterator[str]:
    yield "| set | kind | packages uv / satlock | cold uv / satlock (s) | ratio | warm uv / satlock (s) | ratio | MB |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for one in results:
        cells = [one.name, one.kind]
        cells.append(" / ".join(str(sum(map(len, one.packages.get(tool, {}).values()))) for tool in TOOLS))
        for which in ("cold", "warm"):
            runs: Mapping[str, Sequence[Run]] = getattr(one, which)
            times = [statistics.median(r.seconds for r in runs[t]) if runs[t] else None for t in TOOLS]
            failed = [any(r.code for r in runs[t]) for t in TOOLS]
            shown = [
                "-" if s is None else f"{s:.1f}{' failed' if f else ''}" for s, f in zip(times, failed, strict=True)
            ]
            ratio = one.ratio(which)
            cells += [" / ".join(shown), "-" if ratio is None else f"{ratio:.2f}"]
        peaks = [max((r.megabytes for r in (*one.cold[t], *one.warm[t])), default=0) for t in TOOLS]
        cells.append(" / ".join(f"{peak:.0f}" for peak in peaks))
        yield f"| {' | '.join(cells)} |"


def difference_table(results: Sequence[Result]) -> Iterator[str]:
    yield "| set | uv has several, satlock one of them | other version | only uv | only satlock | direct ones |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in results:
        found = differences(one)
        direct = [
            f"{name}: {', '.join(one.packages['uv'].get(name, ['-']))} / "
            f"{', '.join(one.packages['satlock'].get(name, ['-']))}"
            for kind in ("version", "only uv", "only satlock")
            for name in found[kind]
            if name in one.direct
        ]
        counts = [str(len(found[kind])) for kind in ("one for all", "version", "only uv", "only satlock")]
        yield f"| {one.name} | {' | '.join(counts)} | {'; '.join(direct) or '-'} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="sets to run; all of them by default")
    parser.add_argument("--runs", type=int, default=3, help="warm runs of each tool")
    parser.add_argument("--cold-runs", type=int, default=1)
    parser.add_argument("--json", type=Path, help="keep every measurement here; sets that are in it are not run again")
    parser.add_argument("--output", type=Path, help="write the tables here (Markdown)")
    arguments = parser.parse_args()
    kept: dict[str, Any] = json.loads(arguments.json.read_text()) if arguments.json and arguments.json.exists() else {}
    results = []
    for one in tomllib.loads(SETS.read_text(encoding="utf-8"))["set"]:
        if arguments.names and one["name"] not in arguments.names:
            continue
        if one["name"] not in kept:
            kept[one["name"]] = asdict(run_set(one, arguments.runs, arguments.cold_runs))
            if arguments.json:
                arguments.json.write_text(json.dumps(kept))
        row = dict(kept[one["name"]])
        for which in ("cold", "warm"):
            row[which] = {tool: [Run(**run) for run in row[which][tool]] for tool in TOOLS}
        results.append(Result(**row))
        print("\n".join(list(table(results[-1:]))[2:]), file=sys.stderr, flush=True)
    text = "\n".join([*table(results), "", *difference_table(results), ""])
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
