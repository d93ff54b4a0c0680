"""The five things that are timed, for both tools in turns: cold, warm, relock, check, no-op."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.benchmark.measuring import LIMIT, Run, measured, peak_of
from tests.benchmark.sets import Set, locked_versions

__all__ = ["PHASES", "TOOLS", "Result", "results_of"]

TOOLS = ("satlock", "uv")
PHASES = ("cold", "warm", "relock", "check", "no-op")
"""No cache and no lock; the cache but no lock; lock and cache, and one bound changed; ``--check`` of the lock with
nothing to recall; a lock where nothing has changed."""
_LOCKS = {"satlock": "pylock.toml", "uv": "uv.lock"}
_LONG = 20.0
"""Seconds; of what takes longer, two runs are enough."""


@dataclass
class Result:
    """What came of one set."""

    name: str
    group: str
    runs: dict[str, dict[str, list[Run]]] = field(default_factory=dict)
    """By phase and tool."""
    megabytes: dict[str, dict[str, float]] = field(default_factory=dict)
    """Peaks of all processes together, by phase (cold, warm) and tool."""
    packages: dict[str, int] = field(default_factory=dict)
    """Entries of the lock, by tool."""
    told: dict[str, Any] = field(default_factory=dict)
    """What satlock reports of a warm run: its ``times`` and ``solver``."""
    changed: str = ""
    """The bound that was changed for the relock."""


@dataclass(frozen=True)
class _Place:
    """Where one set is locked."""

    folder: Path
    index: str | None
    """The served index; None for the live one."""

    def write(self, text: str) -> None:
        """The project, with its index in the file: the commands are those that a person types."""
        if self.index is not None:
            text += f'\n[[tool.uv.index]]\nname = "recorded"\nurl = "{self.index}"\ndefault = true\n'
        for tool in TOOLS:
            self.of(tool).mkdir(exist_ok=True)
            (self.of(tool) / "pyproject.toml").write_text(text, encoding="utf-8")

    def of(self, tool: str) -> Path:
        """A project folder for each tool: one that sees the other's lock would keep to it."""
        return self.folder / tool

    def command(self, tool: str, *options: str) -> list[str]:
        project = ["lock", "--quiet", "--project", str(self.of(tool))]
        if tool == "uv":
            return ["uv", *project, "--python", sys.executable, *options]
        return [str(Path(sys.executable).with_name("satlock")), *project, *options]

    def environment(self, tool: str) -> dict[str, str]:
        """With caches of its own for each tool, and byte code kept as after any installation."""
        cache = self._cache(tool)
        kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")}
        return {**kept, "UV_CACHE_DIR": str(cache), "XDG_CACHE_HOME": str(cache), "UV_PYTHON_DOWNLOADS": "never"}

    def lock(self, tool: str) -> Path:
        return self.of(tool) / _LOCKS[tool]

    def forget(self, tool: str, *, cache: bool) -> None:
        """No lock; no cache either, or at least nothing that was verified."""
        self.lock(tool).unlink(missing_ok=True)
        gone = self._cache(tool) if cache else self._cache("satlock") / "satlock" / "verified"
        shutil.rmtree(gone, ignore_errors=True)

    def _cache(self, tool: str) -> Path:
        return self.folder / "cache" / tool

    def run(self, tool: str, *options: str, limit: float = LIMIT) -> Run:
        return measured(self.command(tool, *options), self.environment(tool), limit)


def results_of(
    one: Set, folder: Path, index: str | None, *, phases: Sequence[str], runs: int, memory: bool, limit: float
) -> Result:
    """Runs all phases of one set; a tool that failed in one is not run again in it."""
    place = _Place(folder, index)
    place.write(one.text)
    result = Result(one.name, one.group)
    for tool in TOOLS:  # what is served is made when it is first asked for, and byte code is written
        place.forget(tool, cache=True)
        place.run(tool, limit=limit)
        result.packages[tool] = sum(map(len, locked_versions(place.of(tool), tool).values()))
    locks = {tool: place.lock(tool).read_bytes() for tool in TOOLS if place.lock(tool).exists()}
    result.told = _report(place) if "satlock" in locks else {}
    changed = _changed(one, place, locks) if "relock" in phases and len(locks) == len(TOOLS) else ""
    result.changed = changed.partition("\n")[0]
    for phase in phases:
        text = changed.partition("\n")[2] if phase == "relock" else one.text
        if text:
            place.write(text)
            result.runs[phase] = _times(phase, place, locks, runs, limit)
    if memory:
        for phase in ("cold", "warm"):
            for tool in locks:
                place.write(one.text)
                place.forget(tool, cache=phase == "cold")
                peak = peak_of(place.command(tool), place.environment(tool))
                result.megabytes.setdefault(phase, {})[tool] = peak
    return result


def _times(phase: str, place: _Place, locks: Mapping[str, bytes], runs: int, limit: float) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {tool: [] for tool in TOOLS}
    for turn in range(runs):
        for tool in TOOLS if turn % 2 == 0 else TOOLS[::-1]:
            before = found[tool]
            if (tool not in locks and phase not in ("cold", "warm")) or any(run.code for run in before):
                continue
            if len(before) > 1 and before[0].seconds > _LONG:
                continue
            place.forget(tool, cache=phase == "cold")
            if phase not in ("cold", "warm"):
                place.lock(tool).write_bytes(locks[tool])
            if phase == "no-op":
                place.run(tool)  # so that there is something to recall
            before.append(place.run(tool, *(["--check"] if phase == "check" else []), limit=limit))
    return found


def _report(place: _Place) -> dict[str, Any]:
    """What satlock says of itself in a warm run."""
    place.forget("satlock", cache=False)
    command = place.command("satlock", "--json")
    done = subprocess.run(command, env=place.environment("satlock"), capture_output=True, check=False)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        return {}
    return {key: said[key] for key in ("times", "solver", "counts") if key in said}


def _changed(one: Set, place: _Place, locks: Mapping[str, bytes]) -> str:
    """The bound that is added, and after a line break the project with it: what was locked of a direct requirement is
    excluded, of the first one for which both tools still find a lock.
    """
    versions = locked_versions(place.of("satlock"), "satlock")
    for old, new in _candidates(one, versions):
        text = one.text.replace(json.dumps(old), json.dumps(new), 1)
        place.write(text)
        codes = []
        for tool in TOOLS:
            place.lock(tool).write_bytes(locks[tool])
            codes.append(place.run(tool).code)
        if not any(codes):
            return f"{new}\n{text}"
    return ""


def _candidates(one: Set, versions: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    tables = tomllib.loads(one.text).get("project", {})
    for text in tables.get("dependencies", ())[:4]:
        requirement = Requirement(text)
        known = versions.get(canonicalize_name(requirement.name), ())
        if len(known) == 1 and json.dumps(text) in one.text and requirement.url is None:
            body, semicolon, marker = text.partition(";")
            joined = "," if re.search(r"[<>=!~]", body) else ""
            yield text, f"{body.strip()}{joined}!={known[0]}{' ' + semicolon if semicolon else ''}{marker}"
