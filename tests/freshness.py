"""How far behind locks are: satlock's objectives against uv, on the sets of ``benchmark/live.toml``.

    python -m tests.freshness --output docs/freshness-table.md [NAME ...]

Days behind are judged by neither: for each locked name the days between the upload of the newest admissible version
(final, not yanked, before the cut-off, for the oldest Python of the project) and that of the locked one, or of the
earliest above it. Of several versions of one name the newest counts, which is kind to whoever locks several. Times are
medians of runs with a warm cache, in turns. Needs an index; nothing here runs in CI.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from satlock.corpora.facts import Listing
from satlock.corpora.index.default_index import default_index_url
from satlock.corpora.index.index import LiveCorpus
from tests.benchmark.measuring import Run, measured
from tests.benchmark.sets import LIVE, locked_versions, project

TOOLS = ("uv", "newest-first", "fresh")


@dataclass
class Locks:
    """What each tool made of one set."""

    name: str
    seconds: dict[str, list[float]] = field(default_factory=lambda: {tool: [] for tool in TOOLS})
    worked: dict[str, list[float]] = field(default_factory=lambda: {tool: [] for tool in TOOLS})
    """Seconds that processors worked."""
    kind: str = ""
    """``easy``, ``backtracking`` or ``hard``, see ``benchmark/live.toml``."""
    direct: dict[str, int] = field(default_factory=dict)
    """Days behind, summed over the direct requirements."""
    everything: dict[str, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    candidates: dict[str, int] = field(default_factory=dict)

    def median(self, tool: str) -> float | None:
        return statistics.median(self.seconds[tool]) if self.seconds[tool] else None


def lock(tool: str, folder: Path, cache: Path) -> Run:
    for name in ("uv.lock", "pylock.toml"):
        (folder / name).unlink(missing_ok=True)
    if tool == "uv":
        command = ["uv", "lock", "--quiet", "--project", str(folder), "--python", sys.executable]
    else:
        command = [
            sys.executable,
            "-m",
            "satlock",
            "lock",
            "--quiet",
            "--project",
            str(folder),
            "--objective",
            tool,
        ]
    with open(os.devnull, "w") as sink:
        saved = os.dup(2)
        os.dup2(sink.fileno(), 2)
        try:
            return measured([*command, "--cache-dir", str(cache / ("uv" if tool == "uv" else "satlock"))])
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def moment(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def python_admits(requires_python: str | None, python: Version) -> bool:
    try:
        return SpecifierSet(requires_python or "").contains(python)
    except InvalidSpecifier:
        return True


def days_behind(listing: Listing, version: str, python: Version, cutoff: datetime | None) -> int:
    moments: list[tuple[Version, datetime]] = []
    for release in listing.releases:
        if release.upload_time is None or release.yanked or not (release.wheels or release.sdist):
            continue
        when = moment(release.upload_time)
        admitted = python_admits(release.requires_python, python)
        here = release.version == version
        if here or (admitted and not Version(release.version).is_prerelease and (cutoff is None or when < cutoff)):
            moments.append((Version(release.version), when))
    newest = max(moments)[1]
    return max(0, (newest - min(when for other, when in moments if other >= Version(version))).days)


def run_set(one: Mapping[str, Any], runs: int, cache: Path) -> Locks:
    found = Locks(one["name"], kind=one["kind"])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "pyproject.toml").write_text(project(one), encoding="utf-8")
        versions: dict[str, dict[str, list[str]]] = {}
        for turn in range(runs + 1):
            for tool in TOOLS if turn % 2 == 0 else TOOLS[::-1]:
                run = lock(tool, folder, cache)
                if turn and not run.code:
                    found.seconds[tool].append(run.seconds)
                    found.worked[tool].append(run.worked)
                versions[tool] = locked_versions(folder, "uv" if tool == "uv" else "satlock")
    judge(found, one, versions, cache)
    return found


def judge(found: Locks, one: Mapping[str, Any], versions: Mapping[str, Mapping[str, list[str]]], cache: Path) -> None:
    floor = next(s for s in SpecifierSet(one["requires-python"]) if s.operator == ">=")
    cutoff = moment(one["exclude-newer"]) if "exclude-newer" in one else None
    direct = {canonicalize_name(Requirement(text).name) for text in one["dependencies"]}
    names = sorted({name for mine in versions.values() for name in mine})
    corpus = LiveCorpus(cache_dir=cache / "satlock")
    try:
        listings = corpus.listings([(default_index_url(), name) for name in names])
    finally:
        corpus.close()
    by_name = {name: listing for (_, name), listing in listings.items() if listing is not None}
    for tool, mine in versions.items():
        behind = {
            name: days_behind(by_name[name], max(them, key=Version), Version(floor.version), cutoff)
            for name, them in mine.items()
            if name in by_name
        }
        found.everything[tool] = sum(behind.values())
        found.direct[tool] = sum(days for name, days in behind.items() if name in direct)
        found.names[tool], found.candidates[tool] = len(mine), sum(map(len, mine.values()))


def table(results: Sequence[Locks]) -> Iterator[str]:
    yield "| set | direct: days behind uv / newest-first / fresh | all: days behind | packages | candidates | seconds | fresh : newest-first |"  # noqa: E501
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for one in results:
        cells = [one.name]
        cells += [
            " / ".join(str(values[tool]) if values.get(tool) is not None else "-" for tool in TOOLS)
            for values in (one.direct, one.everything, one.names, one.candidates)
        ]
        times = [one.median(tool) for tool in TOOLS]
        cells.append(" / ".join("failed" if time is None else f"{time:.1f}" for time in times))
        greedy, fresh = times[1], times[2]
        cells.append(f"{fresh / greedy:.2f}" if greedy and fresh else "-")
        yield f"| {' | '.join(cells)} |"


def summary(results: Sequence[Locks]) -> Iterator[str]:
    """What the figures come to, as sentences."""
    both = [one for one in results if all(one.seconds[tool] for tool in TOOLS)]
    hard = [one for one in both if one.kind != "easy"]
    for label, part in (("all", both), ("backtracking and hard", hard)):
        for what, days in (("direct", "direct"), ("all", "everything")):
            pairs = [(getattr(one, days)["uv"], getattr(one, days)["fresh"]) for one in part]
            ahead, behind = sum(ours < theirs for theirs, ours in pairs), sum(ours > theirs for theirs, ours in pairs)
            totals = f"{sum(theirs for theirs, _ in pairs)} (uv) and {sum(ours for _, ours in pairs)} (fresh) days"
            counts = f"fresh is ahead of uv in {ahead} and behind in {behind}"
            yield f"- Of {len(part)} sets ({label}), {what} requirements: {counts}; {totals}."
    for what, kept in (("on the clock", "seconds"), ("of processors", "worked")):
        times = [[statistics.median(getattr(one, kept)[tool]) for tool in TOOLS] for one in both]
        ratio = statistics.median(fresh / greedy for _, greedy, fresh in times)
        over = max(fresh - greedy for _, greedy, fresh in times)
        uv = statistics.median(fresh / theirs for theirs, _, fresh in times)
        yield (
            f"- Seconds {what}: fresh takes {ratio:.2f} times those of newest-first (median), at most {over:.1f} more; "
            f"{uv:.2f} times those of uv (median)."
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="sets to run; all of them by default")
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each tool")
    parser.add_argument("--cache", type=Path, help="keep the caches of both tools here")
    parser.add_argument("--json", type=Path, help="keep every result here; sets that are in it are not run again")
    parser.add_argument("--output", type=Path, help="write the table here (Markdown)")
    arguments = parser.parse_args()
    kept: dict[str, Any] = json.loads(arguments.json.read_text()) if arguments.json and arguments.json.exists() else {}
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        for one in tomllib.loads(LIVE.read_text(encoding="utf-8"))["set"]:
            if arguments.names and one["name"] not in arguments.names:
                continue
            if one["name"] not in kept:
                kept[one["name"]] = asdict(run_set(one, arguments.runs, arguments.cache or Path(scratch)))
                if arguments.json:
                    arguments.json.write_text(json.dumps(kept))
            results.append(Locks(**kept[one["name"]]))
            print("\n".join(list(table(results[-1:]))[2:]), file=sys.stderr, flush=True)
    text = "\n".join([*summary(results), "", *table(results), ""])
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
