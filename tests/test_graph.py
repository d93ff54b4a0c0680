"""A lock as a graph over environments, against a walk of each environment that shares nothing with it."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from satlock.encoder.markers.marker import from_marker
from satlock.encoder.markers.structure import Marker
from satlock.encoder.project.project import Choice, ProjectError
from satlock.solver.lockfiles.graph import LockGraph, graph_of, narrowed
from tests.prove.deciding_locks import pdm_text, poetry_text, pylock_text, random_deciding
from tests.prove.random_locks import ENVIRONMENTS, holds, random_uv, uv_installs, uv_text


def _at(graph: LockGraph, environment: dict[str, str], on: frozenset[tuple[str, str]]) -> LockGraph:
    text = " and ".join(f"{variable} == '{value}'" for variable, value in environment.items())
    choices = {
        Choice("extra" if kind == "extra" else "group", name): (kind, name) in on
        for kind in ("extra", "group")
        for name in ("a", "b", "c", "g", "h", "x")
    }
    return narrowed(graph, from_marker(Marker(text)), choices)


def _installed(graph: LockGraph) -> set[int]:
    return {entry.number for entry in graph.packages}


def _along_steps(graph: LockGraph) -> set[int]:
    """What the project leads to along steps, in the one environment that is left."""
    found: set[int] = set()
    waiting: list[int | None] = [None, *graph.members]
    while waiting:
        here = waiting.pop()
        for step in graph.steps:
            if step.source == here and step.target not in found:
                found.add(step.target)
                waiting.append(step.target)
    return found - set(graph.members)


@pytest.mark.parametrize("batch", range(5))
def test_what_a_uv_lock_installs(batch: int, tmp_path: Path) -> None:
    compared = 0
    for seed in range(batch * 25, batch * 25 + 25):
        chance = random.Random(seed)
        lock = random_uv(chance)
        # What a package makes active of the project may contradict what led to it; uv writes no such lock.
        circular = any(target == 0 and source for (source, *_), targets in lock.edges.items() for target, *_ in targets)
        if len(lock.members) > 1 or circular:
            continue
        (tmp_path / "uv.lock").write_text(uv_text(lock))
        try:
            graph = graph_of(tmp_path / "uv.lock")
        except ProjectError as told:
            assert "depends on itself" in str(told), seed
            continue
        items = sorted({(kind, name) for source, kind, name in lock.edges if kind and source == 0})
        for environment in chance.sample(ENVIRONMENTS, 6):
            on = frozenset(item for item in items if chance.random() < 0.5)
            extras, groups = (frozenset(n for kind, n in on if kind == which) for which in ("extra", "group"))
            right = uv_installs(lock, environment, (True, frozenset({"app"}), extras, groups))
            if right is None:
                continue
            there = _at(graph, environment, on)
            assert _installed(there) == right - {0}, (seed, environment, on)
            assert _along_steps(there) == right - {0}, (seed, environment, on)
            compared += 1
    assert compared > 4


@pytest.mark.parametrize("kind", ["pylock", "poetry", "pdm"])
def test_what_the_other_locks_install(kind: str, tmp_path: Path) -> None:
    texts = {"pylock": pylock_text, "poetry": poetry_text, "pdm": pdm_text}
    names = {"pylock": "pylock.toml", "poetry": "poetry.lock", "pdm": "pdm.lock"}
    choices = [("extra", "a"), ("extra", "b"), ("group", "g"), ("group", "h")]
    for seed in range(40):
        chance = random.Random(seed)
        asked = {"pylock": choices, "poetry": choices[:2], "pdm": []}[kind]
        groups = {"pylock": (), "poetry": ("main", "g", "h"), "pdm": ("default", "g", "h")}[kind]
        lock = random_deciding(chance, list(asked), groups)
        path = tmp_path / names[kind]
        path.write_text(texts[kind](lock))
        graph = graph_of(path)
        for environment, size in itertools.product(chance.sample(ENVIRONMENTS, 4), (0, 1, 2)):
            on = frozenset(chance.sample(choices[2:] if kind == "pdm" else choices, size))
            right = {
                number
                for number, (_, _, own, marker) in enumerate(lock)
                if (not own or {"main", "default"} & set(own) or on & {("group", group) for group in own})
                and holds(marker, environment, on.__contains__)
            }
            there = _at(graph, environment, on)
            assert _installed(there) == right, (seed, environment, on)
            assert _along_steps(there) == right, (seed, environment, on)
