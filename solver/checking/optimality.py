"""The claim that no newer version serves, checked a second time: in each environment that the certificate names.

In each of them the lock is walked, so what is said to be locked is what is installed there. The facts are checked as
those of a project without a lock are (``facts``); what is worth as much as to be newer is added to them: the others are
no older, and nothing is brought in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from satlock.solver.checking.choices import Environment, bare, choices_of
from satlock.solver.checking.claims import NotNewer, word
from satlock.solver.checking.environments import Cells, Row, admits, cells_of
from satlock.solver.checking.facts import Facts
from satlock.solver.checking.markers import Bad, leaves, plain
from satlock.solver.checking.model import Entry, Lock, Table
from satlock.solver.checking.owners import read_line
from satlock.solver.checking.telling import told_fact
from satlock.solver.checking.versions import admits as admits_version
from satlock.solver.checking.versions import order_of, parts_of
from satlock.solver.checking.walk import Here, installed

__all__ = ["Optimality", "optimality_of"]

_CLAIM = {"on", "version", "environments", "facts", "kept", "absent"}


@dataclass(frozen=True)
class Optimality:
    """What the words of a certificate come to."""

    facts: Facts
    told: tuple[NotNewer, ...]


def optimality_of(
    words: Table, lock: Lock, project: Table, workspace: Sequence[Table], number: Callable[[str], int]
) -> Optimality:
    """Checks every claim against the lock and the project, and makes the clauses; the last says that one is wrong.

    Raises:
        Bad: where a claim is not about the lock, or a fact is not in force where it is needed.
    """
    packages, stated = words["packages"], words["facts"]
    lines = [read_line(fact["line"]) for fact in stated if "line" in fact]
    asked = [leaf for line in lines for leaf in leaves(line.marker)]
    asked += [leaf for edge in lock.edges for leaf in leaves(edge.condition)]
    choices = choices_of(project, workspace)
    environments = choices.environments_of(words["environments"], asked)
    if len({str(one) for one in environments}) != len(environments):
        raise Bad("the certificate names an environment twice")
    cells = cells_of(asked, "")
    there = [_installed(lock, one, cells) for one in environments]
    facts = Facts(packages, stated, choices, number, wishes=True)
    claims = [(name, claim) for name, some in words["claims"].items() for claim in some]
    used = [place for _, claim in claims for place in claim["facts"]]
    if set(used) != set(range(1, len(stated) + 1)):
        raise Bad("the certificate has facts that no claim rests on")
    if {place for _, claim in claims for place in claim["environments"]} != set(range(1, len(environments) + 1)):
        raise Bad("the certificate has environments that no claim speaks of")
    heads, told, checked = [], [], set[tuple[int, int]]()
    for place, (name, claim) in enumerate(claims, 1):
        if set(claim) != _CLAIM or not claim["environments"]:
            raise Bad(f"the certificate's claim about {name} has other keys than it should have")
        if any(
            sorted(set(map(str, said))) != sorted(map(str, said)) for said in claim.values() if isinstance(said, list)
        ):
            raise Bad(f"the certificate's claim about {name} says something twice")
        mine = [stated[k - 1] for k in claim["facts"]]
        spoken = {claim["on"], *claim["absent"], *(one for one, _ in claim["kept"])}
        spoken |= {one for fact in mine for one in facts.names_in(fact)}
        for k in claim["environments"]:
            _check_locked(name, claim, packages, there[k - 1], environments[k - 1])
            for one in spoken:
                facts.check_place(one, environments[k - 1])
            for fact, which in zip(mine, claim["facts"], strict=True):
                if (which, k) not in checked:
                    checked.add((which, k))
                    facts.check(fact, environments[k - 1])
                    _check_fits(fact, packages, there[k - 1], environments[k - 1])
        head = number(f"newer {claim['on']} {claim['version']} ({place})")
        heads.append(head)
        _say(facts, packages, claim, head, number)
        told.append(_told(name, claim, environments, mine, packages))
    for place, fact in enumerate(stated, 1):
        facts.say(fact, [-number(f"fact {place}")])
    facts.say_order()
    facts.clauses.append(heads)
    return Optimality(facts, tuple(told))


def _installed(lock: Lock, environment: Environment, cells: Cells) -> dict[str, list[Entry]]:
    """What the lock installs in an environment, by name, with the project and all of its workspace chosen.

    Raises:
        Bad: where the lock is not for that environment.
    """
    v = environment.variables
    places: dict[str, Row] = {axis: (v[axis],) for axis in cells.every if axis in v}
    places |= {
        "python": (v["python_version"], v["python_full_version"]),
        "platform": (v["os_name"], v["sys_platform"], v["platform_system"]),
        "implementation": (v["implementation_name"], v["platform_python_implementation"]),
        "machine": (v["platform_machine"],),
    }
    on = {name for name in lock.switches if name == "production" or name.startswith("project ")}
    chosen = [f"extra {plain(name)}" for name in environment.extras]
    chosen += [f"group {plain(name)}" for name in environment.groups]
    on |= {name for name in chosen if name in lock.switches}
    reached = installed(lock, Here(cells, places, on))
    if reached is None or not admits(lock.python, v["python_full_version"]):
        raise Bad(f"the lockfile is not for the environment {environment}")
    found: dict[str, list[Entry]] = {}
    for node in reached:
        if node.isdigit():
            entry = lock.entries[int(node)]
            found.setdefault(entry.name, []).append(entry)
    return found


def _from_there(entry: Entry, indexes: Sequence[str]) -> bool:
    """Whether a candidate comes from one of these indexes, as far as the lockfile tells where it comes from."""
    kind, place, _ = entry.source
    return kind in ("registry", "index") and bare(place) in indexes if any(entry.source) else True


def _check_locked(
    name: str, claim: Table, packages: Table, there: dict[str, list[Entry]], environment: Environment
) -> None:
    for one, version in [(claim["on"], claim["version"]), *claim["kept"]]:
        own, title = one.partition(" #")[0], version.partition(" @ ")[0]
        mine = there.get(own, [])
        if {entry.version for entry in mine} != {title} or not _from_there(mine[0], packages[one]["indexes"]):
            raise Bad(f"the lockfile does not install {own} {title} in {environment}, as the certificate says")
    if claim["on"].partition(" #")[0] != name:
        raise Bad(f"the claim about {name} is about another package")
    for one in claim["absent"]:
        if one.partition(" #")[0] in there:
            raise Bad(f"the lockfile installs {one} in {environment}, and the certificate says that it does not")


def _check_fits(fact: Table, packages: Table, there: dict[str, list[Entry]], environment: Environment) -> None:
    """That what is locked meets what the certificate says it requires: from a contradiction all would follow."""
    by = fact.get("by")
    if fact["kind"] != "requirement" or by is None or by["extra"]:
        return
    versions, own, name = packages[by["package"]]["versions"], by["package"].partition(" #")[0], fact["on"]
    asking = {versions[rank - 1] for first, last in by["ranks"] for rank in range(first, last + 1)}
    line = read_line(fact["line"])
    for entry in there.get(own, []):
        titles = [one.partition(" @ ") for one in asking]
        if not any(version == entry.version and (not at or _from_there(entry, [at])) for version, _, at in titles):
            continue
        if not any(admits_version(line.versions, one.version) for one in there.get(name.partition(" #")[0], [])):
            raise Bad(f"the lockfile does not meet what the certificate says {own} {entry.version} requires: "
                      f"{fact['line'][:80]!r}")  # fmt: skip


def _say(facts: Facts, packages: Table, claim: Table, head: int, number: Callable[[str], int]) -> None:
    newer = _above(claim["on"], packages, claim["version"])
    facts.clauses.append([-head, facts.at(claim["on"], newer)])
    facts.clauses += [[-head, number(f"fact {place}")] for place in claim["facts"]]
    facts.clauses += [[-head, facts.at(one, _least(one, packages, version))] for one, version in claim["kept"]]
    facts.clauses += [[-head, -facts.at(one, 1)] for one in claim["absent"] if facts.top(one)]


def _public(version: str) -> tuple[object, ...]:
    parts = parts_of(version.partition(" @ ")[0])
    assert parts is not None
    return order_of(parts, public=True)


def _least(name: str, packages: Table, version: str) -> int:
    """The first of the versions that count as this one: builds of a version are as new as each other."""
    versions = packages[name]["versions"]
    if version not in versions:
        raise Bad(f"the certificate does not list {name} {version}, of which it speaks")
    return next(place for place, one in enumerate(versions, 1) if _public(one) == _public(version))


def _above(name: str, packages: Table, version: str) -> int:
    """The place of the first version that is newer; all that are newer come after it, and nothing else does."""
    versions = packages[name]["versions"]
    _least(name, packages, version)
    newer = [_public(one) > _public(version) for one in versions]
    if True not in newer:
        raise Bad(f"the certificate lists nothing newer than {name} {version}")
    first = newer.index(True)
    if not all(newer[first:]):
        raise Bad(f"the certificate does not list the versions of {name} in order")
    return first + 1


def _places(environments: Iterable[Environment]) -> Iterator[str]:
    pythons: dict[tuple[str, str], list[str]] = {}
    for one in environments:
        v, choices = one.variables, ", ".join((*one.extras, *(f"group {group}" for group in one.groups)))
        where = f"{word(v['sys_platform'])} {word(v['platform_machine'])}, {word(v['platform_python_implementation'])}"
        pythons.setdefault((where, choices), []).append(v["python_full_version"].removesuffix(".0"))
    for (where, choices), found in pythons.items():
        yield f"{where} {', '.join(found)}" + (f", with {choices}" if choices else "")


def _told(
    name: str, claim: Table, environments: Sequence[Environment], mine: Sequence[Table], packages: Table
) -> NotNewer:
    return NotNewer(
        name,
        claim["version"].partition(" @ ")[0],
        packages[claim["on"]]["versions"][-1].partition(" @ ")[0],
        tuple(str(environments[k - 1]) for k in claim["environments"]),
        tuple(_places(environments[k - 1] for k in claim["environments"])),
        tuple(told_fact(fact, packages) for fact in mine),
        tuple(f"{one} {version}" for one, version in claim["kept"]),
        tuple(claim["absent"]),
    )
