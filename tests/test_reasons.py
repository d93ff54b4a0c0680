"""The reasons for which packages are not at their newest: true by enumeration, and proven for each of them."""

from __future__ import annotations

from pathlib import Path

from packaging.version import Version

from satlock.solver.explaining.reasons import Reason
from satlock.solver.locking import Locked
from satlock.solver.writing.pylock import to_pylock
from tests.bruteforce import Candidate, Judge
from tests.per_environment import selections
from tests.standing.kept import kept_versions
from tests.test_fresh import dated
from tests.test_properties import CHUNK, Draw, chunks, kinds, locked, plain


@kinds
@chunks
def test_reasons_are_true(draw: Draw, first: int, tmp_path: Path) -> None:
    for seed in range(first, first + CHUNK, 2):
        drawn = dated(plain(draw(seed)), seed)
        answer, judge = locked(drawn, tmp_path, objective="fresh"), Judge(drawn)
        if not isinstance(answer, Locked):
            continue
        every = list(selections(judge, judge.environments()[0], {}))
        for cell in answer.reasons.behind():
            reason = answer.reasons.of(cell)
            assert reason.proven, f"seed {seed}: {cell}"
            if reason.wanted:  # an extra or a bound is worth more, which is for other tests
                continue
            better = [one for one in every if newer(one, reason)]
            assert not any(respects(one, reason) for one in better), f"seed {seed}: {cell}"


def newer(selection: dict[str, Candidate], reason: Reason) -> bool:
    chosen = selection.get(reason.cell.package.name)
    return chosen is not None and Version(chosen.version) > reason.cell.candidates.version(reason.rank)


def respects(selection: dict[str, Candidate], reason: Reason) -> bool:
    """Whether a selection has all that the reason says would be given up."""
    for cell, rank in reason.kept:
        chosen = selection.get(cell.package.name)
        if chosen is None or Version(chosen.version) < cell.candidates.version(rank):
            return False
    return all(cell.package.name not in selection for cell in reason.absent)


@kinds
def test_every_package_that_is_behind_has_its_proof(draw: Draw, tmp_path: Path) -> None:
    behind = 0
    for seed in range(60):
        answer = locked(dated(draw(seed), seed), tmp_path, objective="fresh")
        for cell in answer.reasons.behind() if isinstance(answer, Locked) else ():
            assert answer.reasons.of(cell).proven, f"seed {seed}: {cell}"
            behind += 1
    assert behind > 20


def test_where_an_existing_lock_is_kept_to_that_is_the_reason(tmp_path: Path) -> None:
    from tests.test_fresh import on
    from tests.test_semantics import world

    problem = world(["a<2"], {"a": {"1": on(0), "2": on(9)}})
    old = locked(problem, tmp_path)
    assert isinstance(old, Locked)
    later = locked(
        world(["a"], {"a": {"1": on(0), "2": on(9)}}), tmp_path, preferred=kept_versions(to_pylock(old.lock))
    )
    assert isinstance(later, Locked)
    (cell,) = later.reasons.behind()
    reason = later.reasons.of(cell)
    assert reason.locked and not reason.proven
