"""The objective ``fresh`` against brute force: its tiers have their true optimum, and its answer does not depend on how
the input is written. The judge enumerates every valid selection of a small world.
"""

from __future__ import annotations

import itertools
import json
import random
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from satlock.solver.locking import Locked
from satlock.solver.objective.maxsat import Optimiser, Totalizer
from satlock.solver.search.search import NoLock
from satlock.solver.search.session import Session
from satlock.solver.writing.pylock import to_pylock
from tests.bruteforce import Candidate, Environment, Judge, holds
from tests.per_environment import TICKS, behind, environments, escapes, installed, is_best
from tests.splitting import splitting_world
from tests.standing.kept import kept_versions
from tests.test_properties import CHUNK, NIGHTLY, Draw, backwards, chunks, kinds, locked, plain, text_of
from tests.test_semantics import world
from tests.world import DEFAULT, Dist, World

START = datetime(2023, 1, 1, tzinfo=UTC)


def dated(drawn: World, seed: int) -> World:
    """The world with upload times: mostly in the order of the versions, some late, for some packages none."""
    dice = random.Random(f"dates {seed}")
    indexes: dict[str, dict[str, dict[str, Dist]]] = {}
    for index, packages in drawn.indexes.items():
        indexes[index] = {}
        for name, versions in packages.items():
            silent = dice.random() < 0.1
            day = dice.randint(0, 200)
            indexes[index][name] = {}
            for version in sorted(versions, key=Version):
                day += dice.choice((0, 1, 3, 30, 200))
                late = 400 if dice.random() < 0.1 else 0
                moment = (START + timedelta(days=day + late, hours=dice.randint(0, 9))).isoformat()
                unknown = silent and dice.random() < 0.6
                indexes[index][name][version] = replace(versions[version], upload_time=None if unknown else moment)
    return replace(drawn, indexes=indexes)


# By brute force, in one environment


def wanted(requirement: Requirement, env: Environment) -> bool:
    return holds(requirement.marker, env)


def chosen_of(answer: Locked) -> dict[str, Candidate]:
    return {one.name: Candidate(one.name, one.version, DEFAULT) for one in answer.lock.packages}


@kinds
@chunks
def test_every_tier_has_its_optimum(draw: Draw, first: int, tmp_path: Path) -> None:
    for seed in range(first, first + CHUNK):
        drawn = dated(plain(draw(seed)), seed)
        answer, judge = locked(drawn, tmp_path, objective="fresh"), Judge(drawn)
        env = judge.environments()[0]
        if isinstance(answer, NoLock):
            assert judge.solve(env) is None, f"seed {seed}"
        else:
            assert is_best(judge, env, chosen_of(answer), alone=True), f"seed {seed}: {chosen_of(answer)}"


@kinds
@chunks
def test_the_order_of_the_input_is_no_matter(draw: Draw, first: int, tmp_path: Path) -> None:
    """Neither that of listings and answers, nor that of requirements and of tables in the project's file."""
    for seed in range(first, first + CHUNK, 5):
        drawn = dated(draw(seed), seed)
        answer = locked(drawn, tmp_path, objective="fresh")
        again = locked(backwards(drawn), tmp_path, objective="fresh", shuffle=seed)
        assert text_of(again) == text_of(answer), f"seed {seed}"
        other = locked(replace(drawn, pyproject=turned(drawn.pyproject)), tmp_path, objective="fresh")
        if isinstance(answer, Locked):
            assert isinstance(other, Locked)
            assert entries(other) == entries(answer), f"seed {seed}"


def entries(answer: Locked) -> list[tuple[str, str, str, str | None]]:
    return [(one.name, one.version, one.index, one.marker) for one in answer.lock.packages]


def turned(pyproject: str) -> str:
    """The same project with its lists of requirements backwards, and the keys of its tables in another order."""
    tables: list[list[str]] = [[]]
    for line in pyproject.splitlines():
        if line.startswith("["):
            tables.append([])
        tables[-1].append(line)
    for table in tables:
        if table and table[0] in ("[project.optional-dependencies]", "[dependency-groups]"):
            table[1:] = [line for line in reversed(table[1:]) if line.strip()]
        for place, line in enumerate(table):
            name, equals, listed = line.partition(" = ")
            if name == "dependencies" and listed.startswith("[") and listed.endswith("]"):
                table[place] = f"{name}{equals}{turn(listed)}"
    return "\n".join(line for table in tables for line in table) + "\n"


def turn(listed: str) -> str:
    items = tomllib.loads(f"x = {listed}")["x"]
    return "[" + ", ".join(repr(item) for item in reversed(items)) + "]"


# In every environment


@kinds
@chunks
def test_fresh_locks_are_valid_found_wherever_there_can_be_one_and_kept_as_they_are(
    draw: Draw, first: int, tmp_path: Path
) -> None:
    """Every other one is kept to, and so is the one that newest-first makes of its world."""
    for seed in range(first, first + CHUNK):
        drawn = dated(draw(seed), seed)
        answer, judge = locked(drawn, tmp_path, objective="fresh"), Judge(drawn)
        if isinstance(answer, NoLock) or seed % 2 == 0:
            newest: Locked | NoLock | None = locked(drawn, tmp_path, objective="newest-first")
        else:
            newest = None
        if isinstance(answer, NoLock):
            assert isinstance(newest, NoLock), f"seed {seed}"
            continue
        assert judge.refute(to_pylock(answer.lock)) is None, f"seed {seed}"
        for kept in (answer, newest):
            if newest is not None and isinstance(kept, Locked):
                lock = to_pylock(kept.lock)
                again = locked(drawn, tmp_path, objective="fresh", preferred=kept_versions(lock))
                assert isinstance(again, Locked)
                # Where a choice that no conflict names is left out, nothing is asked of a lock but to be valid.
                after = to_pylock(again.lock)
                for env in environments(judge):
                    assert installed(judge, after, env) == installed(judge, lock, env), f"seed {seed}, {env}"


def versions(answer: Locked) -> set[tuple[str, str]]:
    return {(package.name, package.version) for package in answer.lock.packages}


def several(answer: Locked) -> list[str]:
    names = [name for name, _ in {(one.name, Version(one.version).public) for one in answer.lock.packages}]
    return sorted({name for name in names if names.count(name) > 1})


# With the fewest candidates


def fewest(drawn: World) -> World:
    """The project asks for them."""
    said = 'fork-strategy = "fewest"'
    if "[tool.uv]\n" in drawn.pyproject:
        return replace(drawn, pyproject=drawn.pyproject.replace("[tool.uv]\n", f"[tool.uv]\n{said}\n", 1))
    return replace(drawn, pyproject=f"{drawn.pyproject}[tool.uv]\n{said}\n")


def anywhere(drawn: World) -> World:
    """Every version has a wheel for any platform, so that none is worth more than another before it is newer."""
    packages = {
        index: {
            name: {version: replace(dist, wheels=("py3-none-any",), per_wheel=()) for version, dist in versions.items()}
            for name, versions in listed.items()
        }
        for index, listed in drawn.indexes.items()
    }
    return replace(drawn, indexes=packages)


@pytest.mark.parametrize("first", range(0, 400 if NIGHTLY else 60, 20))
def test_no_fewer_packages_could_have_several_candidates(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + 20):
        drawn = fewest(anywhere(dated(splitting_world(seed), seed)))
        answer = locked(drawn, tmp_path, objective="fresh")
        if isinstance(answer, NoLock) or "sources" in drawn.pyproject:
            continue
        judge, found = Judge(drawn), several(answer)
        names = sorted({name for _, name, *_ in drawn.candidates()})
        for free in itertools.combinations(names, max(0, len(found) - 1)):
            assert not found or not agree(judge, judge.environments(), {}, frozenset(free)), f"seed {seed}: {free}"


@kinds
@pytest.mark.parametrize("first", range(0, 1000 if NIGHTLY else 100, 50))
def test_days_have_their_optimum_over_all_environments(draw: Draw, first: int, tmp_path: Path) -> None:
    """Of all locks with one candidate for each package, where one is enough, in many environments; to the day."""
    looked_at = 0
    for seed in range(first, first + 50):
        drawn = fewest(dated(wide(draw(seed)), seed))
        answer = locked(drawn, tmp_path, objective="fresh")
        if isinstance(answer, NoLock) or several(answer):
            continue
        judge, chosen = Judge(drawn), chosen_of(answer)
        envs = judge.environments()
        every = list(agreements(judge, envs, {}))
        if any(makes_escapes(judge, envs, one) for one in every):
            continue
        looked_at += 1
        best = min(totals(judge, envs, one)[0] // TICKS for one in every)
        assert totals(judge, envs, chosen)[0] // TICKS == best, f"seed {seed}: {chosen}"
    assert looked_at > 5


def makes_escapes(judge: Judge, envs: list[Environment], chosen: dict[str, Candidate]) -> bool:
    asked = ((env, judge.requirements(env, chosen)) for env in envs)
    here = (({name: chosen[name] for name in found}, found, env) for env, found in asked)
    return any(escapes(judge, some, found, env, True) for some, found, env in here)


def wide(drawn: World) -> World:
    """A world without extras, and without what admits a version in some environments only."""
    document = tomllib.loads(drawn.pyproject)
    lists = [document["project"]["dependencies"], *document["project"].get("optional-dependencies", {}).values()]
    asked = [bare(text) for texts in lists for text in texts if Requirement(text).name != "proj"]
    packages = {
        name: {
            version: Dist(tuple(bare(line) for line in dist.requires_dist if "extra ==" not in line))
            for version, dist in versions.items()
            if "b" not in version
        }
        for name, versions in drawn.indexes[DEFAULT].items()
    }
    head = '[project]\nname = "proj"\nversion = "1"\nrequires-python = ">=3.11"\n'
    return World(f"{head}dependencies = {json.dumps(asked)}\n", {DEFAULT: packages})


def bare(requirement: str) -> str:
    parsed = Requirement(requirement)
    parsed.extras = set()
    return str(parsed)


def totals(judge: Judge, envs: list[Environment], chosen: Mapping[str, Candidate]) -> tuple[int, int, int]:
    """Age of direct requirements, age of the rest, packages; an age that one environment sees counts once."""
    direct: set[str] = set()
    reached: set[str] = set()
    for env in envs:
        direct |= {canonicalize_name(one.name) for one in judge.dependencies if wanted(one, env)}
        reached |= set(judge.requirements(env, dict(chosen)))
    days = {name: behind(judge, chosen[name], envs[0]) for name in reached}
    first = sum(days[name] for name in direct & reached)
    return first, sum(days.values()) - first, len(reached)


def agreements(judge: Judge, envs: list[Environment], shared: dict[str, Candidate]) -> Iterator[dict[str, Candidate]]:
    """Every choice of one candidate for each package that serves in all environments."""
    if not envs:
        yield shared
        return
    seen = set()
    for one in partial(judge, envs[0], shared, {}, frozenset()):
        key = frozenset(one.items())
        if key not in seen:
            seen.add(key)
            yield from agreements(judge, envs[1:], one)


def agree(judge: Judge, envs: list[Environment], shared: dict[str, Candidate], free: frozenset[str]) -> bool:
    """Whether all environments have solutions that differ in the candidates of ``free`` packages alone."""
    if not envs:
        return True
    seen = set()
    for one in partial(judge, envs[0], shared, {}, free):
        key = frozenset(one.items())
        if key not in seen:
            seen.add(key)
            if agree(judge, envs[1:], one, free):
                return True
    return False


def partial(
    judge: Judge, env: Environment, shared: dict[str, Candidate], own: dict[str, Candidate], free: frozenset[str]
) -> Iterator[dict[str, Candidate]]:
    """What the shared packages may be so that one environment has a solution."""
    asked = judge.requirements(env, {**shared, **own})
    here = {**shared, **own}
    if not all(judge._serves(here[name], asked[name], env) for name in asked if name in here):
        return
    missing = next((name for name in asked if name not in here), None)
    if missing is None:
        if judge._opened(here, env, last_resort=False, pinned=False):
            yield shared
        return
    for candidate in judge._candidates(missing):
        if missing in free:
            yield from partial(judge, env, shared, {**own, missing: candidate}, free)
        else:
            yield from partial(judge, env, {**shared, missing: candidate}, own, free)


# By hand


def on(day: int, *requires: str, extras: tuple[str, ...] = ()) -> Dist:
    return Dist(requires, provides_extra=extras, upload_time=(START + timedelta(days=day)).isoformat())


def test_a_small_step_back_saves_a_large_one(tmp_path: Path) -> None:
    """As with boto3 and s3fs: newest-first takes the newest of what is named first, at any price."""
    packages = {
        "boto": {f"1.{day}": on(day, f"core>=1.{day},<1.{day + 1}") for day in range(100)},
        "core": {f"1.{day}": on(day) for day in range(100)},
        "fs": {"1": on(1), "2": on(50, "aio>=2"), "3": on(99, "aio>=2")},
        "aio": {f"2.{day}": on(day, f"core<1.{day}.1,>=1.{day - 9}") for day in range(10, 80, 10)},
    }
    problem = world(["boto", "fs"], packages)
    greedy, best = locked(problem, tmp_path, objective="newest-first"), locked(problem, tmp_path, objective="fresh")
    assert isinstance(greedy, Locked) and isinstance(best, Locked)
    assert {("boto", "1.99"), ("fs", "1")} <= versions(greedy)
    assert {("boto", "1.70"), ("fs", "3"), ("aio", "2.70")} <= versions(best)


def test_nobody_goes_back_to_before_an_extra_existed(tmp_path: Path) -> None:
    packages = {
        "pandas": {"1": on(0), "2": on(500, extras=("aws",)), "3": on(501, "other ; extra == 'aws'", extras=("aws",))},
        "other": {"1": on(0, "boto<2")},
        "boto": {"1": on(0), "2": on(900)},
    }
    packages["pandas"]["2"] = replace(packages["pandas"]["2"], requires_dist=("other ; extra == 'aws'",))
    best = locked(world(["boto", "pandas[aws]"], packages), tmp_path, objective="fresh")
    assert isinstance(best, Locked)
    assert versions(best) == {("pandas", "3"), ("boto", "1"), ("other", "1")}


def test_an_extra_that_was_dropped_sends_nobody_back(tmp_path: Path) -> None:
    packages = {"fs": {"1": on(0, extras=("boto",)), "2": on(900)}}
    best = locked(world(["fs[boto]"], packages), tmp_path, objective="fresh")
    assert isinstance(best, Locked) and versions(best) == {("fs", "2")}


# The parts


def test_a_late_fix_of_an_old_series_is_old(tmp_path: Path) -> None:
    packages = {"a": {"1.0": on(0), "2.0": on(100), "2.1": on(300), "1.1": on(290)}}
    answer = locked(world(["a<2"], packages), tmp_path, objective="fresh")
    assert isinstance(answer, Locked) and versions(answer) == {("a", "1.1")}


class _NoClauses:
    """An encoding with nothing in it but variables."""

    def __init__(self) -> None:
        self.clauses: list[list[int]] = [[1]]
        self.fact_of = [-1]
        self.variables = 1

    def fresh(self) -> int:
        self.variables += 1
        return self.variables

    def state(self, clause: list[int]) -> None:
        self.clauses.append(clause)
        self.fact_of.append(-1)


def test_the_optimiser_keeps_its_bounds_while_clauses_are_added() -> None:
    for seed in range(3000 if NIGHTLY else 200):
        dice = random.Random(seed)
        encoding = _NoClauses()
        session = Session(encoding)  # type: ignore[arg-type]
        literals = [encoding.fresh() for _ in range(7)]
        weights = {literal: dice.choice((1, 1, 2, 7, 30)) for literal in literals[:5]}
        optimiser = Optimiser(encoding, session)  # type: ignore[arg-type]
        for literal, weight in weights.items():
            optimiser.want(literal, weight)
        clauses: list[list[int]] = []
        for _ in range(4):
            clauses += [[dice.choice((-1, -1, 1)) * x for x in dice.sample(literals, 3)] for _ in range(4)]
            for clause in clauses[-4:]:
                encoding.state(clause)
            best = cheapest(literals, clauses, weights)
            if best is None:
                break
            optimiser.optimise([])
            assert optimiser.cost == best, f"seed {seed}"
        session.close()


@pytest.mark.parametrize("first", range(0, 3000 if NIGHTLY else 50, 50))
def test_what_was_paid_is_taken_back_when_assumptions_are_given_up(first: int) -> None:
    """Also where a payment brought something in once more that an earlier one, which it was built on, had used."""
    for seed in range(first, first + 50):
        dice, encoding = random.Random(seed), _NoClauses()
        session = Session(encoding)  # type: ignore[arg-type]
        softs, assumptions = ([encoding.fresh() for _ in range(count)] for count in (9, 6))
        weights = {literal: dice.choice((4, 5, 6, 7)) for literal in softs}
        optimiser = Optimiser(encoding, session)  # type: ignore[arg-type]
        for literal, weight in weights.items():
            optimiser.want(literal, weight)
        clashes: list[tuple[list[int], list[int]]] = []
        for _ in range(20):
            for _ in range(2):
                clashes.append((dice.sample(softs, dice.randint(2, 6)), dice.sample(assumptions, dice.randint(0, 1))))
                encoding.state([-literal for part in clashes[-1] for literal in part])
            fixed = dice.sample(assumptions, dice.randint(0, 6))
            optimiser.renounce(set(fixed))
            optimiser.optimise(fixed)
            clauses = [[-literal for literal in clash] for clash, when in clashes if set(when) <= set(fixed)]
            assert optimiser.cost == cheapest(softs, clauses, weights), f"seed {seed}"
        session.close()


@pytest.mark.parametrize("lightest", ["low", "high"])
def test_a_core_may_have_two_steps_of_one_ladder(lightest: str) -> None:
    """Where the weight of the one is moved to the other, the core goes on with that one alone, if it still clashes."""
    encoding = _NoClauses()
    session = Session(encoding)  # type: ignore[arg-type]
    optimiser = Optimiser(encoding, session)  # type: ignore[arg-type]
    low, high, other = (encoding.fresh() for _ in range(3))
    encoding.state([-high, low])
    encoding.state([-low, -other] if lightest == "high" else [-low, -high, -other])
    for literal, weight in ((low, 1 + 8 * (lightest == "high")), (high, 5), (other, 20)):
        optimiser.want(literal, weight)

    def gathered(literal: int, enough: int, clashes: Callable[[int], bool]) -> int:
        if high not in optimiser.softs:
            return 0
        assert optimiser.unwant(high, 5)
        optimiser.want(low, 5)
        return low

    optimiser._lowered, optimiser._reasons = gathered, [[]]
    assert optimiser._weightier([low, high, other]) == ([other, low] if lightest == "high" else [])
    session.close()


def cheapest(literals: list[int], clauses: list[list[int]], weights: Mapping[int, int]) -> int | None:
    costs = []
    for signs in itertools.product((True, False), repeat=len(literals)):
        true = dict(zip(literals, signs, strict=True))
        if all(any(true[abs(x)] == (x > 0) for x in clause) for clause in clauses):
            costs.append(sum(weight for literal, weight in weights.items() if not true[literal]))
    return min(costs, default=None)


def test_a_totalizer_counts() -> None:
    encoding = _NoClauses()
    session = Session(encoding)  # type: ignore[arg-type]
    inputs = [encoding.fresh() for _ in range(5)]
    total = Totalizer(inputs, encoding.fresh, encoding.state)
    outputs = [total.output(count) for count in range(1, 6)]
    for signs in itertools.product((1, -1), repeat=5):
        given = [sign * literal for sign, literal in zip(signs, inputs, strict=True)]
        true = sum(sign > 0 for sign in signs)
        for count, output in enumerate(outputs, start=1):
            assert session.solve([*given, -output]) == (count > true)
    session.close()
