"""What a ladder of soft literals comes to: whatever was moved, lowered, gathered, paid and given back meanwhile, each
rank has cost in each environment what it is behind there."""

from __future__ import annotations

import random
from bisect import insort
from typing import Any

import pytest

from satlock.solver.objective.ladders import Ladder
from tests.test_properties import NIGHTLY

AT_LEAST = 10_000
UNIT = 7


class Cell:
    """One package of a few ranks, of which environments admit different ones."""

    def __init__(self, dice: random.Random) -> None:
        self.top = dice.randint(3, 12)
        self.thresholds: list[int] = []
        self.candidates = self
        self.everything = (2 << self.top) - 2
        self.behind = [0] * (self.top + 1)
        for rank in range(self.top - 1, -1, -1):
            self.behind[rank] = self.behind[rank + 1] + dice.choice((0, 1, 1, 2, 30))
        limits = [self.top, self.top, dice.randint(1, self.top), dice.randint(1, self.top)]
        self.admitted = {name: range(1, limit + 1) for name, limit in zip("abcd", limits, strict=True)}
        self._regions: dict[frozenset[str], frozenset[str]] = {}

    def where(self, _: object, ranks: int) -> Any:
        """Where one of these ranks is admissible; the same object for the same place."""
        place = frozenset(
            name for name, admitted in self.admitted.items() if any(ranks >> rank & 1 for rank in admitted)
        )
        return self._regions.setdefault(place, place)

    def due(self, rank: int, name: str) -> int:
        """What a rank is behind the newest that an environment admits."""
        return UNIT * (self.behind[rank] - self.behind[self.admitted[name][-1]])


class Books:
    """Stands for the formula and for the optimiser: what is wanted, what that means, and what was paid of it."""

    def __init__(self) -> None:
        self.softs: dict[int, int] = {}
        self.paid: dict[int, int] = {}
        self.meaning: dict[int, tuple[int, frozenset[str]]] = {}

    def fresh(self) -> int:
        return len(self.meaning) + 1

    def at_least(self, _: object, rank: int) -> int:
        return AT_LEAST + rank

    def wish(self, _: object, literal: int, ranks: int, own: frozenset[str]) -> None:
        self.meaning[literal] = ranks, own

    def want(self, literal: int, weight: int, _: object) -> None:
        self.softs[literal] = self.softs.get(literal, 0) + weight

    def unwant(self, literal: int, weight: int) -> bool:
        left = self.softs.get(literal, 0) - weight
        if left > 0:
            self.softs[literal] = left
        elif not left:
            del self.softs[literal]
        return left >= 0

    def forget(self, literals: list[int]) -> None:
        for literal in literals:
            self.softs.pop(literal, None)
            self.paid.pop(literal, None)

    def pay(self, ladder: Ladder, literal: int, weight: int) -> None:
        self.paid[literal] = self.paid.get(literal, 0) + weight
        assert self.unwant(literal, weight)
        if literal not in self.softs:
            ladder.go_on(literal)

    def give_back(self, literal: int) -> None:
        self.want(literal, self.paid.pop(literal), None)

    def cost(self, rank: int, name: str) -> int:
        met = self.meaning
        return sum(weight for one, weight in self.paid.items() if name in met[one][1] and not met[one][0] >> rank & 1)


@pytest.mark.parametrize("first", range(0, 20_000 if NIGHTLY else 600, 200))
def test_each_rank_costs_what_it_is_behind(first: int) -> None:
    for seed in range(first, first + 200):
        dice, books = random.Random(f"ladders {seed}"), Books()
        cell = Cell(dice)
        ladder = Ladder(
            books,  # type: ignore[arg-type]
            books,  # type: ignore[arg-type]
            cell,  # type: ignore[arg-type]
            free=cell.everything,
            behind=cell.behind.__getitem__,
            unit=UNIT,
            where=cell.where,
        )
        unknown = dice.sample(range(1, cell.top + 1), cell.top)
        for _ in range(40):
            match dice.choice(("learn", "pay", "pay", "lower", "lower", "give back")):
                case "learn" if unknown:
                    insort(cell.thresholds, unknown.pop())
                    ladder.bring_up()
                case "pay" if books.softs:
                    literal = dice.choice(list(books.softs))
                    books.pay(
                        ladder, literal, dice.choice((books.softs[literal], dice.randint(1, books.softs[literal])))
                    )
                case "lower" if books.softs:
                    least = AT_LEAST + dice.randint(1, cell.top)
                    literal = dice.choice(list(books.softs))
                    ladder.lowered(literal, dice.randint(1, 400), lambda one, least=least: one >= least)  # type: ignore[misc]
                case "give back" if books.paid:
                    books.give_back(dice.choice(list(books.paid)))
        for threshold in unknown:
            insort(cell.thresholds, threshold)
        ladder.bring_up()
        while books.softs:
            literal = next(iter(books.softs))
            books.pay(ladder, literal, books.softs[literal])
        for name, admitted in cell.admitted.items():
            for rank in admitted:
                assert books.cost(rank, name) == cell.due(rank, name), f"seed {seed}, rank {rank} in {name}"
