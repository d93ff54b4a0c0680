"""What is said of a version that is behind is true in each of the environments that it is said of, by enumeration."""

from __future__ import annotations

from pathlib import Path

import pytest

from satlock.encoder.formula.facts import SingleVersion
from satlock.encoder.markers.marker import Formula, all_of, chosen, from_marker
from satlock.encoder.markers.structure import Marker
from satlock.encoder.project.project import Choice
from satlock.solver.explaining.parts import Part, parts_of
from satlock.solver.locking import Locked
from satlock.solver.objective.environments import Environments
from satlock.solver.search.reached import reached
from tests.bruteforce import Environment, Judge, marker_variables
from tests.per_environment import admissible, environments, selections
from tests.splitting import splitting_world
from tests.test_fresh import dated
from tests.test_properties import CHUNK, Draw, chunks, locked
from tests.test_reasons import newer, respects
from tests.worlds_apart import settled, world_apart

STEP = 5
"""Of so many seeds one is drawn."""
_VARIABLES = ("python_full_version", "sys_platform", "os_name", "platform_system", "platform_machine")


@pytest.mark.parametrize("draw", [world_apart, splitting_world], ids=["apart", "splitting"])
@chunks
def test_each_part_of_the_environments_is_told_the_truth(draw: Draw, first: int, tmp_path: Path) -> None:
    behind = unproven = 0
    for seed in range(first, first + CHUNK, STEP):
        world = draw(seed) if draw is world_apart else settled(dated(draw(seed), seed))
        answer, judge = locked(world, tmp_path, objective="fresh"), Judge(world)
        if not isinstance(answer, Locked):
            continue
        every = {env: list(selections(judge, env, {})) for env in environments(judge)}
        domain, seen = answer.universe.domain, Environments(answer.universe.domain)
        for (cell, extra), region in reached(answer.reasons.encoding, answer.reasons.selection).items():
            if extra:
                continue
            parts = list(parts_of(answer.reasons, seen, cell, region))
            for env, valid in every.items():
                here = _formula(judge, env)
                if not domain.satisfiable(here, region):
                    continue
                (part,) = [one for one in parts if domain.satisfiable(here, one.region)]
                where = f"seed {seed}: {cell}, {env}"
                newest = admissible(judge, cell.package.name, env)[0].version
                assert cell.candidates[part.newest].version == newest, where
                rank = answer.reasons.selection.ranks[cell]
                assert (part.reason is None) == (part.newest <= rank), where
                if part.reason is None:
                    continue
                behind += 1
                unproven += not part.reason.proven or bool(part.reason.alike)
                if part.reason.alike:
                    continue
                assert _in_force(part, here, domain), where
                if part.reason.proven and not part.reason.wanted:
                    better = [one for one in valid if newer(one, part.reason)]
                    assert not any(respects(one, part.reason) for one in better), where
    assert behind > 5 and unproven * 20 <= behind, (behind, unproven)


def _in_force(part: Part, here: Formula, domain: object) -> bool:
    """Whether the facts of a reason all hold in an environment."""
    assert part.reason is not None
    regions = [region for fact in part.reason.facts if not isinstance(fact, SingleVersion) for region in fact.regions]
    return all(domain.satisfiable(here, region) for region in regions)  # type: ignore[attr-defined]


def _formula(judge: Judge, env: Environment) -> Formula:
    """One environment alone."""
    variables = marker_variables(env.base)
    place = from_marker(Marker(" and ".join(f"{name} == {variables[name]!r}" for name in _VARIABLES)))
    choices = [(Choice("extra", name), name in env.extras) for name in judge.extras]
    choices += [(Choice("group", name), name in env.groups) for name in judge.groups]
    return all_of([place, *(chosen(choice) if made else ~chosen(choice) for choice, made in choices)])
