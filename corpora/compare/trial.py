"""One case with all its peers: run in turns, cold and warm, and every lock judged."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import satlock
from satlock.corpora.compare.asked import Asked, asked_by
from satlock.corpora.compare.cases import Case
from satlock.corpora.compare.judging import judge
from satlock.corpora.compare.locks import read_lock
from satlock.corpora.compare.peers import (
    PEERS,
    Peer,
    PeerError,
    Place,
    Resolver,
    installed,
    outcome_of,
    python_for,
    variables_of,
)
from satlock.corpora.compare.running import Limits, measured
from satlock.corpora.compare.worlds import Hosted, hosted

__all__ = ["Plan", "key_of", "run_case", "without_paths"]

FORMAT = 1
_SAID = 800
"""Characters of what a resolver said that are kept where it did not lock."""


@dataclass(frozen=True)
class Plan:
    """What is done with each case."""

    peers: tuple[str, ...]
    runs: int
    """Cold runs of each peer, each followed by a warm one."""
    limits: Limits
    environments: str
    """The folder where the peers are installed."""
    satlock_arguments: tuple[str, ...] = ()
    """More arguments for satlock, such as an objective."""
    repeat_limit: float | None = None
    """Seconds of a first run, above which a resolver is not run again: long runs differ little, and cost most."""


def key_of(plan: Plan, case: Case, snapshot: str) -> str:
    """Names a result by all that it depends on: a result under the same key need not be made again."""
    told = [FORMAT, asdict(case), snapshot, plan.peers, plan.runs, asdict(plan.limits), plan.satlock_arguments,
            plan.repeat_limit, _sources()]  # fmt: skip
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=1)
def _sources() -> str:
    """Names the satlock that runs, and the judge: another one gives results of its own."""
    top = Path(satlock.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for part in ("cli", "corpora", "encoder", "solver") for path in (top / part).rglob("*.py")):
        if path.name not in ("page.py", "plots.py", "report.py", "tables.py"):  # they only show what was found
            digest.update(path.relative_to(top).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def run_case(plan: Plan, case: Case, snapshot: bytes, key: str) -> dict[str, Any]:
    """Everything that is found of one case, as it is kept. Never raises: what goes wrong is a result too."""
    result: dict[str, Any] = {"key": key, "case": asdict(case), "runs": [], "peers": {}, "error": ""}
    try:
        _Trial(plan, case, hosted(snapshot), result).run()
    except Exception as error:
        result["key"] = ""  # so that it is tried again
        result["error"] = without_paths(f"{type(error).__name__}: {error}")
        result["trace"] = without_paths(traceback.format_exc()[-2000:])
    return result


@dataclass
class _Trial:
    plan: Plan
    case: Case
    hosted: Hosted
    result: dict[str, Any]

    def run(self) -> None:
        """Runs every peer, the first of each turn and of each case being another one."""
        asked = asked_by(self.case.pyproject)
        python = python_for(asked.requires_python)
        taking = [peer for name in self.plan.peers if self._takes(peer := PEERS[name], asked, python)]
        with tempfile.TemporaryDirectory(prefix="satlock-case-") as scratch:
            first = int(hashlib.sha256(self.case.name.encode()).hexdigest()[:8], 16)
            for turn in range(self.plan.runs):
                shift = (first + turn) % max(len(taking), 1)
                for peer in [*taking[shift:], *taking[:shift]]:
                    known = self.result["peers"][peer.name]
                    if turn == 0 or (known["outcome"] == "locked" and not self._is_long(peer)):
                        self._turn(peer, asked, str(python), Path(scratch), turn)
        for peer in taking:
            self._judge(peer, asked, str(python))

    def _is_long(self, peer: Peer) -> bool:
        limit = self.plan.repeat_limit
        first = next(run for run in self.result["runs"] if run["peer"] == peer.name)
        return limit is not None and first["seconds"] > limit

    def _takes(self, peer: Peer, asked: Asked, python: str | None) -> bool:
        """Whether a peer takes part; if not, notes why."""
        known: dict[str, Any] = {"version": "", "outcome": "unsupported", "said": "", "universal": peer.universal,
                                 "lock": None, "judgement": None}  # fmt: skip
        self.result["peers"][peer.name] = known
        if python is None:
            known["said"] = f"there is no Python {asked.requires_python} on this machine"
            return False
        if refusal := peer.refuses(asked):
            known["said"] = refusal
            return False
        try:
            known["version"] = self._resolver(peer, python).version
        except PeerError as error:
            known["outcome"], known["said"] = "failed", str(error)
            return False
        known["outcome"] = ""
        return True

    def _resolver(self, peer: Peer, python: str) -> Resolver:
        return installed(peer, sys.executable if peer.any_python else python, Path(self.plan.environments))

    def _turn(self, peer: Peer, asked: Asked, python: str, scratch: Path, turn: int) -> None:
        """A cold run, and a warm one if that locked."""
        cache, project = scratch / f"{peer.name}-cache", scratch / f"{peer.name}-project"
        place = Place(project, cache, self.hosted.url(asked.exclude_newer), python, str(asked.requires_python))
        shutil.rmtree(cache, ignore_errors=True)
        for phase in ("cold", "warm"):
            shutil.rmtree(project, ignore_errors=True)
            project.mkdir(parents=True)
            cache.mkdir(exist_ok=True)
            self._write(peer, asked, place)
            resolver = self._resolver(peer, python)
            more = self.plan.satlock_arguments if peer.name == "satlock" else ()
            command = [*resolver.program, *peer.arguments(place), *more]
            env = {**_environment(scratch / f"{peer.name}-home"), **peer.variables(place)}
            run = measured(command, folder=project, env=env, limits=self.plan.limits)
            lockfile = project / peer.lockfile
            outcome = outcome_of(peer.name, run.code, run.stopped, run.said, lockfile.is_file())
            self.result["runs"].append(
                {"peer": peer.name, "phase": phase, "turn": turn, "seconds": run.seconds, "megabytes": run.megabytes,
                 "code": run.code, "outcome": outcome}
            )  # fmt: skip
            known = self.result["peers"][peer.name]
            if known["outcome"] in ("", "locked"):
                known["outcome"] = outcome
                if outcome != "locked":
                    known["said"] = self._readable(run.said, scratch)
            if outcome != "locked":
                return
            text = self.hosted.original(lockfile.read_text(encoding="utf-8")).replace(str(scratch), "scratch")
            if known["lock"] is None:
                known["lock"] = {"name": peer.lockfile, "text": text}
            elif known["lock"]["text"] != text:
                known["unstable"] = True

    def _write(self, peer: Peer, asked: Asked, place: Place) -> None:
        text = self.case.pyproject
        for index in sorted(self.hosted.urls, key=len, reverse=True):
            served = self.hosted.at(index, asked.exclude_newer)
            text = re.sub(rf"([\"']){re.escape(index)}/?([\"'])", lambda m, url=served: f"{m[1]}{url}{m[2]}", text)  # type: ignore[misc]
        (place.project / "pyproject.toml").write_text(text + peer.tables(place), encoding="utf-8")
        requirements = "".join(f"{requirement}\n" for requirement in asked.dependencies)
        (place.project / "requirements.in").write_text(requirements, encoding="utf-8")

    def _readable(self, said: str, scratch: Path) -> str:
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said).replace(str(scratch), "scratch")
        return without_paths(self.hosted.original(plain)).strip()[-_SAID:]

    def _judge(self, peer: Peer, asked: Asked, python: str) -> None:
        known = self.result["peers"][peer.name]
        if known["lock"] is None:
            return
        try:
            lock = read_lock(known["lock"]["name"], known["lock"]["text"])
            here, single = variables_of(python), not peer.universal
            known["judgement"] = judge(lock, asked, self.hosted.world, here, only_here=single).as_dict()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            known["said"] = f"its lock is not understood: {type(error).__name__}: {error}"[:_SAID]


def without_paths(said: str) -> str:
    """A message that says nothing of this machine: neither where its folders are nor at which port it served."""
    ported = re.sub(r"\b(127\.0\.0\.1|localhost):\d+", "served.example", said)
    return re.sub(r"(?<![\w:/.<])/(?:[\w.+@~-]+/)+", "…/", ported)


def _environment(home: Path) -> Mapping[str, str]:
    """The variables of this process without what configures any of the tools, and with a home of its own."""
    home.mkdir(parents=True, exist_ok=True)
    dropped = re.compile(r"(PIP|UV|POETRY|PDM|SATLOCK|PYTHON|VIRTUAL_ENV|XDG|CONDA)(_|$).*|PYTHON.*")
    kept = {name: value for name, value in os.environ.items() if not dropped.fullmatch(name)}
    homes = {"HOME": str(home), "USERPROFILE": str(home), "APPDATA": str(home), "LOCALAPPDATA": str(home)}
    source = str(Path(satlock.__file__).parents[1])
    return {**kept, **homes, "PIP_CONFIG_FILE": os.devnull, "PYTHONPATH": source, "NO_COLOR": "1"}
