"""How far behind locks are: satlock's ``fresh`` against uv, environment by environment, by the judge of the evaluation.

    python -m tests.freshness --json freshness.json --output docs/freshness-table.md [NAME ...]

The sets are the recorded ones (``corpora/ecosystem``, ``corpora/hard``) and those of ``benchmark/live.toml``, on the
live index. The judge (``satlock.corpora.compare.judging``) shares no code with either tool. In each environment it
follows what the lock installs there, and counts the days between each version and the newest final one that the
environment's Python could use. A run can be stopped and goes on where it was, from what ``--json`` keeps. Nothing here
runs in CI.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from satlock.corpora.compare.asked import Asked, asked_by
from satlock.corpora.compare.judging import Release, World, ages
from satlock.corpora.compare.locks import Environment, Lock, read_lock
from satlock.corpora.compare.peers import python_for
from satlock.corpora.compare.worlds import Hosted, hosted
from satlock.corpora.facts import Listing, Metadata, Wanted
from satlock.corpora.index.default_index import default_index_url
from satlock.corpora.index.index import LiveCorpus
from satlock.corpora.recorded.snapshot import SnapshotCorpus
from satlock.encoder.markers.platforms import Place, unserved
from tests.benchmark.sets import Set, live_sets, recorded_sets

TOOLS = {"uv": "uv.lock", "fresh": "pylock.toml"}
TITLE = """\
# Freshness of locks

Of `python -m tests.freshness`, which tells how it counts; *fresh* is satlock's default objective.
[freshness.md](freshness.md) says what it comes to.
"""
LIMIT = 900
"""Seconds after which a run is given up."""
LESS = 0.01
"""Days that are no difference."""


@dataclass
class Found:
    """What both tools made of one set."""

    name: str
    group: str
    outcome: dict[str, str] = field(default_factory=dict)
    """``locked``, or how it ended."""
    worked: dict[str, float] = field(default_factory=dict)
    """Seconds that processors worked for it; with what was fetched on the way where it is a live set."""
    splits: int = 0
    environments: int = 0
    direct: dict[str, float] = field(default_factory=dict)
    """Days behind of the direct requirements together, mean over the environments."""
    everything: dict[str, float] = field(default_factory=dict)
    older_direct: int = 0
    """Environments in which ``fresh`` is behind uv, summed over the direct requirements."""
    newer_direct: int = 0
    older: int = 0
    newer: int = 0
    behind: dict[str, list[int]] = field(default_factory=dict)
    """Direct requirements that are older than uv's where all of them together are: in how many environments, and in how
    many of these uv's version has no file that installs."""
    names: dict[str, int] = field(default_factory=dict)
    candidates: dict[str, int] = field(default_factory=dict)

    @property
    def compared(self) -> bool:
        return all(self.outcome.get(tool) == "locked" for tool in TOOLS)


@dataclass
class Ground:
    """Where one set is locked, and what the judge knows of it."""

    one: Set
    asked: Asked
    folder: Path
    cache: Path

    def command(self, tool: str) -> list[str]:
        """Writes the project, and tells how the tool locks it."""
        text, snapshot = self.one.text, self.one.snapshot
        more: list[str] = []
        if snapshot is not None and tool == "uv":
            served = served_from(snapshot)
            for index in sorted(served.urls, key=len, reverse=True):
                url = served.at(index, self.asked.exclude_newer)
                text = re.sub(rf"([\"']){re.escape(index)}/?([\"'])", rf"\g<1>{url}\g<2>", text)
            more = ["--no-config", "--default-index", served.url(self.asked.exclude_newer)]
        elif snapshot is not None:
            more = ["--no-config", "--corpus", str(snapshot)]
        (self.folder / "pyproject.toml").write_text(text, encoding="utf-8")
        more += ["--project", str(self.folder), "--cache-dir", str(self.cache / tool)]
        if tool == "uv":
            python = python_for(self.asked.requires_python) or sys.executable
            return ["uv", "lock", "--quiet", "--python", python, "--no-python-downloads", *more]
        lockfile = self.folder / TOOLS[tool]
        return [sys.executable, "-m", "satlock", "lock", "--json", "--quiet", "--output", str(lockfile), *more]

    def lock(self, tool: str, found: Found) -> Lock | None:
        """Runs a tool."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            done = subprocess.run(self.command(tool), capture_output=True, text=True, timeout=LIMIT, check=False)
        except subprocess.TimeoutExpired:
            found.outcome[tool] = "took too long"
            return None
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.worked[tool] = round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2)
        found.outcome[tool] = "locked" if done.returncode == 0 else f"ended with {done.returncode}"
        if done.returncode:
            print(f"{self.one.name}, {tool}: {done.stderr.strip()[-300:]}", file=sys.stderr)
            return None
        if tool != "uv":
            found.splits = json.loads(done.stdout)["solver"]["splits"]
        text = (self.folder / TOOLS[tool]).read_text(encoding="utf-8")
        if self.one.snapshot is not None:
            text = served_from(self.one.snapshot).original(text)
        return read_lock(TOOLS[tool], text)

    def world(self, locks: Iterable[Lock]) -> tuple[World, Mapping[str, Listing]]:
        """What the judge goes by, and the listings by name."""
        names = sorted({name for lock in locks for name, _ in lock.everything})
        if self.one.snapshot is not None:
            served = SnapshotCorpus(self.one.snapshot)
            known = served.listings([(index, name) for index in served.indexes for name in names])
            listed = {listing.name: listing for listing in known.values() if listing is not None}
            return served_from(self.one.snapshot).world, listed
        return self._live(names, {version for lock in locks for version in lock.everything})

    def _live(self, names: Sequence[str], locked: set[tuple[str, str]]) -> tuple[World, Mapping[str, Listing]]:
        index = default_index_url()
        corpus = LiveCorpus(cache_dir=self.cache / "fresh")
        try:
            known = corpus.listings([(index, name) for name in names])
            listed = {listing.name: listing for listing in known.values() if listing is not None}
            wanted = [
                Wanted(listing.index, name, release.version, release.files)
                for name, listing in listed.items()
                for release in listing.releases
                if (name, release.version) in locked
            ]
            told = {(one.name, one.version): outcome for one, outcome in corpus.metadata(wanted).items()}
        finally:
            corpus.close()
        world = World(index)
        for name, listing in listed.items():
            for release in listing.releases:
                if not release.raw_files:
                    continue
                outcome = told.get((name, release.version))
                metadata = outcome if isinstance(outcome, Metadata) else getattr(outcome, "hint", None)
                requires = metadata.requires_dist if metadata is not None else ()
                uploaded = None if release.upload_time is None else release.upload_time.replace("+00:00", "Z")
                known_release = Release(requires, release.requires_python, uploaded, release.yanked)
                for place in (index, listing.index, f"{listing.index}/"):
                    world.releases.setdefault((place, name), {})[release.version] = known_release
        return world, listed


@lru_cache
def served_from(snapshot: Path) -> Hosted:
    """A snapshot that is served; pages are made as they are asked for, since nobody's clock is looked at."""
    return hosted(snapshot.read_bytes(), warm=False)


def compare(one: Set, cache: Path) -> Found:
    """Locks a set with both, and judges."""
    found = Found(one.name, one.group)
    with tempfile.TemporaryDirectory() as scratch:
        ground = Ground(one, asked_by(one.text), Path(scratch), cache)
        locks = {tool: lock for tool in TOOLS if (lock := ground.lock(tool, found)) is not None}
        if len(locks) < len(TOOLS):
            return found
        world, listed = ground.world(locks.values())
    for tool, lock in locks.items():
        found.candidates[tool] = len(lock.everything)
        found.names[tool] = len({name for name, _ in lock.everything})
    theirs, ours = (list(ages(locks[tool], ground.asked, world)) for tool in TOOLS)
    found.environments = len(ours)
    for (environment, their_direct, their_all), (_, our_direct, our_all) in zip(theirs, ours, strict=True):
        they, we = sum(their_direct.values()), sum(our_direct.values())
        found.older_direct += we > they + LESS
        found.newer_direct += we < they - LESS
        found.older += our_all > their_all + LESS
        found.newer += our_all < their_all - LESS
        for name, days in our_direct.items():
            if we > they + LESS and days > their_direct.get(name, 0.0) + LESS:
                count = found.behind.setdefault(name, [0, 0])
                count[0] += 1
                count[1] += not _installs(locks["uv"], listed.get(name), name, environment)
    for tool, aged in (("uv", theirs), ("fresh", ours)):
        found.direct[tool] = round(statistics.fmean(sum(direct.values()) for _, direct, _ in aged), 1)
        found.everything[tool] = round(statistics.fmean(days for *_, days in aged), 1)
    return found


def _installs(lock: Lock, listing: Listing | None, name: str, environment: Environment) -> bool:
    """Whether what a lock has of a package installs in an environment."""
    versions = {one.version for one in lock.installed(environment) if one.name == name}
    releases = [release for release in listing.releases if release.version in versions] if listing else []
    told = environment.variables
    minor = tuple(int(part) for part in told["python_version"].split("."))
    place = Place(told["sys_platform"], told["platform_machine"], (minor[0], minor[1]))
    return any(not unserved([place], release.files) for release in releases)


def table(results: Sequence[Found]) -> Iterator[str]:
    yield "| set | environments | direct: days behind, uv / fresh | fresh newer / older in | all: days behind, uv / fresh | fresh newer / older in | packages | candidates | splits | seconds |"  # noqa: E501
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for one in results:
        if not one.compared:
            said = "; ".join(f"{tool} {one.outcome.get(tool, 'did not run')}" for tool in TOOLS)
            yield f"| {one.name} | {said} |" + " |" * 8
            continue
        cells = [one.name, str(one.environments), _both(one.direct), f"{one.newer_direct} / {one.older_direct}"]
        cells += [_both(one.everything), f"{one.newer} / {one.older}", _both(one.names), _both(one.candidates)]
        yield f"| {' | '.join([*cells, str(one.splits), _both(one.worked)])} |"


def _both(values: Mapping[str, float]) -> str:
    return " / ".join(f"{values[tool]:g}" for tool in TOOLS)


def summary(results: Sequence[Found]) -> Iterator[str]:
    """What the figures come to, as sentences."""
    both = [one for one in results if one.compared]
    every = sum(one.environments for one in both)
    yield f"- {len(both)} of {len(results)} sets were locked by both, {every} environments in all."
    for what, newer, older in (
        ("Direct requirements", "newer_direct", "older_direct"),
        ("All packages", "newer", "older"),
    ):
        counts = [sum(getattr(one, key) for one in both) for key in (newer, older)]
        sets = sum(getattr(one, older) > 0 for one in both)
        field_of = "direct" if older == "older_direct" else "everything"
        means = [statistics.fmean(getattr(one, field_of)[tool] for one in both) for tool in TOOLS]
        fresher = sum(getattr(one, field_of)["fresh"] <= getattr(one, field_of)["uv"] + LESS for one in both)
        yield (
            f"- {what}: fresh is newer in {counts[0]} environments and older in {counts[1]} (of {sets} sets); "
            f"{means[0]:.1f} (uv) and {means[1]:.1f} (fresh) days behind, mean over the sets; in {fresher} sets "
            "fresh is no older in the mean."
        )
    for one in both:
        for name, (count, bare) in sorted(one.behind.items()):
            why = f", in {bare} of which uv's has no file" if bare else ""
            yield f"- {one.name}: {name} is older than uv's in {count} environments{why}."
    times = [one.worked["fresh"] / one.worked["uv"] for one in both if one.worked["uv"]]
    yield f"- Seconds of processors: fresh takes {statistics.median(times):.2f} times those of uv (median)."
    splits = [one.splits for one in both]
    yield f"- Splits: {statistics.median(splits):g} (median), at most {max(splits)}; none in {splits.count(0)} sets."


def sets_of(groups: Sequence[str]) -> Iterator[Set]:
    with tempfile.TemporaryDirectory() as nothing:
        every = [*recorded_sets(Path(nothing)), *live_sets()]
    for group in groups:
        yield from (one for one in every if one.group == group)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="sets to run; all of them by default")
    parser.add_argument("--group", action="append", choices=["hard", "ecosystem", "live"], help="all three by default")
    parser.add_argument("--cache", type=Path, help="keep the caches of both tools here")
    parser.add_argument("--json", type=Path, help="keep every result here; sets that are in it are not run again")
    parser.add_argument("--until", help="begin no set after this time of day (HH:MM)")
    parser.add_argument("--output", type=Path, help="write the table here (Markdown)")
    arguments = parser.parse_args()
    kept: dict[str, Any] = json.loads(arguments.json.read_text()) if arguments.json and arguments.json.exists() else {}
    results = []
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    with tempfile.TemporaryDirectory() as scratch:
        for one in sets_of(arguments.group or ["hard", "ecosystem", "live"]):
            key = f"{one.group} {one.name}"
            if arguments.names and one.name not in arguments.names:
                continue
            if key not in kept:
                if arguments.until and datetime.now().strftime("%H:%M") >= arguments.until:
                    continue
                kept[key] = asdict(compare(one, arguments.cache or Path(scratch)))
                if arguments.json:
                    arguments.json.write_text(json.dumps(kept))
                print(list(table([Found(**kept[key])]))[-1], file=sys.stderr, flush=True)
            results.append(Found(**kept[key]))
    text = "\n".join([TITLE, *summary(results), "", *table(results), ""])
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
