"""The truth about the objectives that go package by package, one environment at a time and by brute force.

Of all valid selections of one environment those with the best of the tiers *installs* and *extras* are in question. The
packages that are reached are settled one after the other, each as new as those before it allow, or as old with
``lowest`` (and what is direct with ``lowest-direct``). What the project names comes first, in the order of the file. Of
the rest whoever requires comes before what is required, and nothing else is told: a lock is right if it is what one
such order leads to.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.bruteforce import Candidate, Environment, Judge, holds
from tests.per_environment import selections, serving

__all__ = ["PackageByPackage"]

Selected = Mapping[str, Candidate]


class PackageByPackage:
    """What an objective wants of the locks of one world."""

    def __init__(self, judge: Judge, objective: str) -> None:
        """
        Args:
            objective: ``newest-first``, ``lowest`` or ``lowest-direct``.
        """
        self.judge, self.objective = judge, objective
        lists = [judge.dependencies, *judge.extras.values(), *judge.groups.values()]
        lines = sorted(itertools.chain(*lists), key=lambda line: not self._holds_somewhere(line))
        self._direct = list(dict.fromkeys(canonicalize_name(line.name) for line in lines))

    def _holds_somewhere(self, line: Requirement) -> bool:
        extras = ("", *self.judge.extras)
        return any(holds(line.marker, base, extra) for base in self.judge._bases for extra in extras)

    def is_best(self, env: Environment, found: Selected) -> bool:
        """Whether a selection is what the objective leads to in an environment."""
        every: list[Selected] = list(selections(self.judge, env, {}))
        tiers = [serving(self.judge, env, one) for one in every]
        left = [one for one, tier in zip(every, tiers, strict=True) if tier == min(tiers)]
        return found in left and self._leads(env, left, {}, found)

    def _leads(self, env: Environment, left: list[Selected], settled: dict[str, Candidate], found: Selected) -> bool:
        """Whether some order of what is not settled yet leads to a selection."""
        waiting = [name for name in self.judge.requirements(env, settled) if name not in settled]
        if not waiting:
            return settled == found
        first = [name for name in self._direct if name in waiting][:1]
        for name in first or [one for one in waiting if not self._is_behind(env, one, waiting, found)]:
            best = self._best(name, left)
            if found[name] == best:
                narrowed = [one for one in left if one[name] == best]
                if self._leads(env, narrowed, {**settled, name: best}, found):
                    return True
        return False

    def _best(self, name: str, left: list[Selected]) -> Candidate:
        newest_first = sorted({one[name] for one in left}, key=self.judge._candidates(name).index)
        lowest = self.objective == "lowest" or (self.objective == "lowest-direct" and name in self._direct)
        return newest_first[-1 if lowest else 0]

    def _is_behind(self, env: Environment, name: str, waiting: list[str], found: Selected) -> bool:
        """Whether something else that waits requires a package that leads not back to it."""
        asking = {by for _, by in self.judge.requirements(env, found)[name]}
        others = [one for one in waiting if one != name and f"{one} {found[one].version}" in asking]
        return any(other not in self._leads_to(name) for other in others)

    @functools.lru_cache  # noqa: B019
    def _leads_to(self, name: str) -> frozenset[str]:
        """What any version of a package requires, or what that requires in turn."""
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            dists = [self.judge.dist(candidate) for candidate in self.judge._candidates(waiting.pop())]
            names = {canonicalize_name(Requirement(line).name) for dist in dists for line in dist.stated}
            waiting += names - seen
            seen |= names
        return frozenset(seen)
