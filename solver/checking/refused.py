"""Which members and choices of a ``uv.lock`` uv refuses together, since members bring others along."""

from __future__ import annotations

from itertools import combinations

from satlock.solver.checking.markers import plain
from satlock.solver.checking.model import Table

__all__ = ["rivals_of"]

_MOST = 4096


def rivals_of(
    packages: list[Table], members: list[str], conflicts: list[list[tuple[str, str, str]]]
) -> list[tuple[str, ...]]:
    """Each set of switches once; none that says that both members of a conflict are chosen themselves."""
    if not conflicts:
        return []
    after: dict[tuple[str, str], list[tuple[str, str]]] = {}
    starts: dict[str, list[tuple[list[str], list[tuple[str, str]]]]] = {member: [] for member in members}
    for package in packages:  # of several entries of one name uv looks at the last
        name = plain(package["name"])
        for key in [key for key in after if key[0] == name]:
            del after[key]
        after[name, ""] = _listed(package.get("dependencies", []))
        extras = {plain(extra): _listed(items) for extra, items in package.get("optional-dependencies", {}).items()}
        after.update(((name, extra), nodes) for extra, nodes in extras.items())
        if name in starts:
            groups = package.get("dev-dependencies") or package.get("dependency-groups") or {}
            starts[name] = [(["production"], [(name, "")])]
            starts[name] += [(["production", f"extra {extra}"], [(name, extra)]) for extra in extras]
            starts[name] += [([f"group {plain(group)}"], _listed(items)) for group, items in groups.items()]
    known = {name for name, _ in after}
    brought: dict[str, set[frozenset[str]]] = {member: {frozenset([f"project {member}"])} for member in members}
    for member in members:
        for switches, nodes in starts[member]:
            seen = dict.fromkeys(nodes)
            todo = [*seen]
            while todo:
                new = [one for one in dict.fromkeys(after.get(todo.pop(), [])) if one not in seen]
                seen.update(dict.fromkeys(new))
                todo += new
            for name in {name for name, _ in seen} & known:
                brought.setdefault(name, set()).add(frozenset([f"project {member}", *switches]))
    found: list[tuple[str, ...]] = []
    for things in conflicts:
        for pair in combinations(things, 2):
            ways = [
                [way | {"production" if kind == "project" else f"{kind} {own}"} for way in brought.get(package, set())]
                for kind, package, own in pair
            ]
            if pair[0] == pair[1] or len(ways[0]) * len(ways[1]) > _MOST:
                continue
            plainly = {f"project {package}" for _, package, _ in pair}
            plainly |= {"production" if kind == "project" else f"{kind} {own}" for kind, _, own in pair}
            together = {one | other for one in ways[0] for other in ways[1]}
            least = [way for way in together if not plainly <= way and not any(other < way for other in together)]
            found += sorted(tuple(sorted(way)) for way in least)
    return list(dict.fromkeys(found))


def _listed(items: list[Table]) -> list[tuple[str, str]]:
    """What a list of an entry leads to, in each of its forms."""
    return [(plain(item["name"]), plain(extra)) for item in items for extra in ("", *item.get("extra", []))]
