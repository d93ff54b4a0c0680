"""Builds come last: what a source distribution notes of itself is believed until it would be locked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from satlock.corpora.facts import MetadataOutcome, Unavailable, Wanted
from satlock.encoder.project.reading import read_project
from satlock.solver.locking import lock
from satlock.solver.search.search import NoLock
from tests.test_semantics import locked, world
from tests.world import Dist, MemoryCorpus, World


def sdist(*requires: str, hint: tuple[str, ...] | None = None, broken: str | None = None) -> Dist:
    return Dist(requires, wheels=(), sdist=True, needs_build=True, hint=hint, broken=broken)


def versions(problem: World) -> dict[str, str]:
    return {package.name: package.version for package in locked(problem).lock.packages}


def built(problem: World, folder: Path) -> list[str]:
    corpus = MemoryCorpus(problem)
    lock(read_project(problem.write_project(folder)), corpus, default_index=problem.default_index)
    return [f"{one.name} {one.version}" for one in corpus.metadata_requests if one.build]


def test_what_is_ruled_out_by_its_hint_is_not_built(tmp_path: Path) -> None:
    olds = {f"1.{n}": sdist("b<1", hint=("b<1",)) for n in range(6)}
    problem = world(["b>=1", "a"], {"a": {**olds, "0.9": Dist()}, "b": {"1.0": Dist()}})
    assert versions(problem) == {"a": "0.9", "b": "1.0"}
    assert built(problem, tmp_path) == []


def test_only_what_is_locked_is_built(tmp_path: Path) -> None:
    problem = world(
        ["a"], {"a": {"1.0": sdist("b", hint=("b",)), "2.0": sdist("b", hint=("b",))}, "b": {"1.0": Dist()}}
    )
    assert versions(problem) == {"a": "2.0", "b": "1.0"}
    assert built(problem, tmp_path) == ["a 2.0"]


def test_a_hint_that_is_too_strict_hides_no_lock(tmp_path: Path) -> None:
    problem = world(["a", "b"], {"a": {"1.0": sdist(hint=("b>1",))}, "b": {"1.0": Dist()}})
    assert versions(problem) == {"a": "1.0", "b": "1.0"}
    assert built(problem, tmp_path) == ["a 1.0"]


def test_a_hint_that_is_too_weak_is_replaced() -> None:
    problem = world(["a"], {"a": {"1.0": Dist(), "2.0": sdist("nowhere", hint=())}})
    assert versions(problem) == {"a": "1.0"}


@pytest.mark.parametrize("hint", [None, ()])
def test_a_build_that_fails_takes_its_candidate_out(hint: tuple[str, ...] | None) -> None:
    problem = world(["a"], {"a": {"1.0": Dist(), "2.0": sdist(hint=hint, broken="its build failed")}})
    assert versions(problem) == {"a": "1.0"}


@pytest.mark.parametrize("hint", [None, ()])
def test_only_where_nothing_else_serves_is_it_the_error(tmp_path: Path, hint: tuple[str, ...] | None) -> None:
    problem = world(["a"], {"a": {"2.0": sdist(hint=hint, broken="its build failed")}})
    with pytest.raises(NoLock) as none:
        lock(read_project(problem.write_project(tmp_path)), MemoryCorpus(problem), default_index=problem.default_index)
    assert none.value.failed


class Failing(MemoryCorpus):
    """No source distribution can be built."""

    def metadata(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, MetadataOutcome]:
        found = super().metadata(wanted)
        return {one: Unavailable("its build failed", "unbuilt") if one.build else said for one, said in found.items()}


def test_where_a_build_fails_the_wheels_for_others_tell(tmp_path: Path) -> None:
    """As of an old release whose wheels are for older Pythons than the project's."""
    old = Dist(("b<2",), wheels=("cp37-cp37m-manylinux1_x86_64",), sdist=True, needs_build=True)
    problem = world(["a"], {"a": {"1.0": old}, "b": {"1.0": Dist(), "2.0": Dist()}})
    project = read_project(problem.write_project(tmp_path))
    found = lock(project, Failing(problem), default_index=problem.default_index)
    assert {package.name: package.version for package in found.lock.packages} == {"a": "1.0", "b": "1.0"}
    problem = world(["a"], {"a": {"1.0": replace(old, wheels=())}, "b": {"1.0": Dist()}})
    with pytest.raises(NoLock):
        lock(project, Failing(problem), default_index=problem.default_index)


def test_an_extra_is_worth_a_build(tmp_path: Path) -> None:
    """Without it, ``a`` would be sent back to before the extra was there."""
    listed = {
        "a": {
            "1.0": Dist(),
            "2.0": Dist(("c==1.0",), provides_extra=("x",)),
            "3.0": Dist(("c==0.9",), provides_extra=("x",)),
        },
        "c": {"0.9": sdist(broken="its build failed"), "1.0": sdist("d", hint=None), "2.0": Dist()},
        "d": {"1.0": Dist()},
    }
    assert versions(world(["a[x]"], listed)) == {"a": "2.0", "c": "1.0", "d": "1.0"}
    assert versions(world(["a"], listed)) == {"a": "1.0"}
    assert built(world(["a"], listed), tmp_path) == []


def test_an_extra_is_not_worth_a_pre_release() -> None:
    """Each requirement has a final release, only both together have none."""
    listed = {
        "a": {"1.0": Dist(), "2.0": Dist(("c<=1.0",), provides_extra=("x",))},
        "b": {"1.0": Dist(("c!=0.9",))},
        "c": {"0.9": Dist(), "1.0a1": Dist(), "2.0": Dist()},
    }
    assert versions(world(["a[x]", "b"], listed)) == {"a": "1.0", "b": "1.0", "c": "2.0"}
