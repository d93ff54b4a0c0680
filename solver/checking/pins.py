"""The obligation of *index-pins*, written down a second time."""

from __future__ import annotations

from satlock.solver.checking.choices import bare
from satlock.solver.checking.environments import cells_of
from satlock.solver.checking.further import Asked, Goals, suspected
from satlock.solver.checking.markers import ALWAYS, NEVER, Bad, Condition, both, either, parse, plain
from satlock.solver.checking.model import Table
from satlock.solver.checking.pulls import as_setting, force_of, steps_of, thing_of
from satlock.solver.checking.uv_markers import by_letters
from satlock.solver.checking.walk import Here, met

__all__ = ["pin_goals"]

Pins = dict[str, list[tuple[int, str, Condition]]]
"""By name: the place of each pin, its address, and where it is in scope."""


def pin_goals(asked: Asked) -> Goals:
    """One goal for each pinned package: some entry comes from elsewhere where the pin is in scope.

    Raises:
        Bad: where the claims are not those of the lockfile and the project.
    """
    asked.claimed()
    pins, explicit = _pins(asked, asked.project or {})
    names = sorted({*pins, *(entry.name for entry in asked.lock.entries if entry.source.address in explicit)})
    names = [name for name in names if asked.entries_of(name)]
    if not set(asked.claims) <= set(names):
        raise Bad("the certificate claims a package that the project does not pin")
    broken: dict[int, list[tuple[int, Condition]]] = {}
    allowed: dict[int, Condition] = {}
    suspects: dict[str, list[int]] = {}
    for name in names:
        for number in map(int, asked.entries_of(name)):
            index = asked.lock.entries[number].source.address
            broken[number] = [(k, region) for k, url, region in pins.get(name, ()) if url != index]
            if index in explicit:
                allowed[number] = either(*(region for _, url, region in pins.get(name, ()) if url == index))
        suspects[name] = [n for n in map(int, asked.entries_of(name)) if broken[n] or n in allowed]
    regions = [region for name in names for _, _, region in pins.get(name, ())]
    cells = cells_of(asked.comparisons(regions), asked.lock.python)
    clauses, goals = suspected(asked, cells, suspects)
    for number in (number for numbers in suspects.values() for number in numbers):
        ways = [(f"wrong entry {number} pin {k}", region, False) for k, region in broken[number]]
        ways += [(f"wrong entry {number} explicit", allowed[number], True)] if number in allowed else []
        clauses.say([-clauses.number(f"wrong entry {number}"), *(clauses.number(name) for name, _, _ in ways)])
        for name, region, denied in ways:
            clauses.imply([-clauses.number(name)], region, name, denied)

    def guilty(name: str, reached: set[str], here: Here) -> bool:
        return any(
            any(met(region, here, here.on) for _, region in broken[number])
            or (number in allowed and not met(allowed[number], here, here.on))
            for number in suspects[name]
            if str(number) in reached
        )

    return Goals(clauses, goals, guilty)


def _pins(asked: Asked, project: Table) -> tuple[Pins, set[str]]:
    """The pins, and the addresses of indexes that serve only what is pinned to them."""
    explicit: set[str] = set()
    urls: dict[str, str] = {}
    sources: dict[str, list[Table]] = {}
    for tool in ("uv", "satlock"):
        table = project.get("tool", {}).get(tool, {})
        explicit.update(bare(one["url"]) for one in table.get("index", []) if one.get("explicit", False))
        urls.update((one["name"], bare(one["url"])) for one in table.get("index", []) if "name" in one)
        for name, value in table.get("sources", {}).items():
            sources[plain(name)] = value if isinstance(value, list) else [value]
    lines = steps_of(project, plain(project.get("project", {}).get("name", "")), "")

    pins: Pins = {}
    count = 0
    for name, items in sources.items():
        for one in (item for item in items if "index" in item):
            scope = next(((kind, plain(one[kind])) for kind in ("extra", "group") if kind in one), None)
            marker = parse(one["marker"]) if "marker" in one else ALWAYS
            marker = as_setting(marker, lines, asked.lock.kind, asked.lock.switches)
            region = marker
            if scope is not None:
                here = thing_of(*scope, "")
                listed = [condition for by, thing, condition in lines
                          if by == here and thing == thing_of("project", "", name)]  # fmt: skip
                region = both(
                    force_of(here, lines, asked.lock.kind, asked.lock.switches),
                    both(marker, either(*listed)) if listed else marker,
                )
            region = by_letters(region) if asked.lock.kind == "uv" else region
            if region != NEVER:
                pins.setdefault(name, []).append((count, urls[one["index"]], region))
            count += 1
    return pins, explicit
