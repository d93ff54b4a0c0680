"""The obligation of *index-pins*, written down a second time."""

from __future__ import annotations

from satlock.solver.checking.choices import bare
from satlock.solver.checking.environments import cells_of
from satlock.solver.checking.further import Asked, Goals, suspected
from satlock.solver.checking.markers import ALWAYS, Bad, Condition, Switch, both, parse, plain
from satlock.solver.checking.model import Table
from satlock.solver.checking.walk import met

__all__ = ["pin_goals"]

Pins = dict[str, list[tuple[int, str, Condition]]]
"""By name: the place of each pin, its address, and where it is in scope."""


def pin_goals(asked: Asked) -> Goals:
    """One goal for each pinned package: some entry comes from elsewhere where the pin is in scope.

    Raises:
        Bad: where the claims are not those of the lockfile and the project.
    """
    asked.claimed()
    pins = _pins(asked, asked.project or {})
    if not set(asked.claims) <= set(pins):
        raise Bad("the certificate claims a package that the project does not pin")
    broken: dict[int, list[tuple[int, Condition]]] = {}
    suspects: dict[str, list[int]] = {}
    for name in sorted(pins):
        for number in map(int, asked.entries_of(name)):
            index = [*asked.lock.entries[number].source.split(" "), ""][1].rstrip("/")
            broken[number] = [(k, region) for k, url, region in pins[name] if url != index]
        suspects[name] = [number for number in map(int, asked.entries_of(name)) if broken[number]]
    regions = [region for own in pins.values() for _, _, region in own]
    cells = cells_of(asked.comparisons(regions), asked.lock.python)
    clauses, goals = suspected(asked, cells, suspects)
    for number in (number for numbers in suspects.values() for number in numbers):
        names = [f"wrong entry {number} pin {k}" for k, _ in broken[number]]
        clauses.say([-clauses.number(f"wrong entry {number}"), *(clauses.number(name) for name in names)])
        for name, (_, region) in zip(names, broken[number], strict=True):
            clauses.imply([-clauses.number(name)], region, name)

    def guilty(name: str, reached: set[str], places: dict[str, tuple[str, ...]], on: set[str]) -> bool:
        return any(
            met(region, cells, places, on)
            for number in suspects[name] if str(number) in reached for _, region in broken[number]
        )  # fmt: skip

    return Goals(clauses, goals, guilty)


def _pins(asked: Asked, project: Table) -> Pins:
    urls: dict[str, str] = {}
    sources: dict[str, list[Table]] = {}
    for tool in ("uv", "satlock"):
        table = project.get("tool", {}).get(tool, {})
        urls.update((one["name"], bare(one["url"])) for one in table.get("index", []) if "name" in one)
        for name, value in table.get("sources", {}).items():
            sources[plain(name)] = value if isinstance(value, list) else [value]
    pins: Pins = {}
    count = 0
    for name, items in sources.items():
        for one in (item for item in items if "index" in item):
            scope = next(((kind, plain(one[kind])) for kind in ("extra", "group") if kind in one), None)
            marker = parse(one["marker"]) if "marker" in one else ALWAYS
            switch = f"{'group' if asked.lock.kind == 'pdm' else scope[0]} {scope[1]}" if scope else None
            if (switch is None or switch in asked.lock.switches) and asked.entries_of(name):
                region = marker if switch is None else both(Switch(switch), marker)
                pins.setdefault(name, []).append((count, urls[one["index"]], region))
            count += 1
    return pins
