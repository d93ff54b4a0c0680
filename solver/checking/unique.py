"""The obligation of *unique*, written down a second time."""

from __future__ import annotations

from satlock.solver.checking.environments import cells_of
from satlock.solver.checking.further import Asked, Goals
from satlock.solver.checking.obligation import Clauses

__all__ = ["unique_goals"]


def unique_goals(asked: Asked) -> Goals:
    """One goal for each claimed name that has several entries: two of them are reached.

    Raises:
        Bad: where the claims are not those of the lockfile.
    """
    goals = {name: nodes for name, nodes in asked.claimed().items() if len(nodes) > 1}
    clauses = Clauses(asked.lock, cells_of(asked.comparisons(), asked.lock.python), asked.legend, asked.most)
    clauses.say_everything({node for nodes in goals.values() for node in nodes})
    for name, nodes in goals.items():
        for left_out in nodes:
            literals = {clauses.number(f"reach {node}") for node in nodes if node != left_out}
            clauses.say({-clauses.number(f"two {name}"), *literals})

    def twice(name: str, reached: set[str], here: object) -> bool:
        return len(reached.intersection(goals[name])) > 1

    return Goals(clauses, {name: f"two {name}" for name in goals}, twice)
