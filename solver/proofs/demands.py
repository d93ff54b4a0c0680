"""What is asked for in each environment, as a graph beside the lock's own: which requirements are in force.

Its nodes are the entries, and what was *asked* of them or of the project: ``asked 17[cpu]`` is entry 17 with its extra
``cpu``, where some requirement in force asks for that. Whether the lock records the extra has no say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from packaging.version import InvalidVersion, Version

from satlock.encoder.project.project import Scope
from satlock.records import dataclass, field
from satlock.solver.lockfiles.model import (
    ALWAYS,
    NEVER,
    Condition,
    Edge,
    Entry,
    Lockfile,
    Switch,
    Whether,
    all_of,
    node_of,
)
from satlock.solver.lockfiles.project import as_setting
from satlock.solver.lockfiles.requirements import Line, Listed, selected
from satlock.solver.lockfiles.uv_markers import by_letters
from satlock.solver.proofs.owners import PROJECT, Asked, Asking, Owner, is_direct
from satlock.solver.proofs.walk import Here, Walk, holds

__all__ = ["Demands", "Unmet", "demands_of"]


@dataclass(frozen=True)
class Unmet:
    """A requirement that may be in force without being met."""

    name: str
    """Its variable, e.g. ``unmet 17~3``: the fourth line of entry 17."""
    claim: str
    bearer: Asked
    """The node that has it."""
    condition: Condition
    line: Line
    admitted: tuple[int, ...]
    """The entries that meet it."""
    why: str = ""
    """Whose word it is, where it is not the bearer's."""


@dataclass
class Demands:
    """The edges of the graph, and everything that can go wrong in it."""

    edges: list[Edge] = field(default_factory=list)
    unmet: list[Unmet] = field(default_factory=list)
    nodes: dict[str, Asked] = field(default_factory=dict)
    """Those that are not nodes of the lock, and what is asked for there."""

    def asked(self, walked: Walk, here: Here) -> dict[str, Edge | None]:
        """The nodes in force in one environment, each with the edge that asked for it first; None for what the lock
        installs."""

        def on(switch: Switch) -> bool:
            return switch.name in walked.reached if switch.kind == "reach" else here.on(switch)

        after: dict[str | None, list[Edge]] = {}
        for edge in self.edges:
            after.setdefault(edge.source, []).append(edge)
        found: dict[str, Edge | None] = dict.fromkeys(node for node in walked.reached if node not in self.nodes)
        queue: deque[str | None] = deque([None, *found])
        while queue:
            for edge in after.get(queue.popleft(), ()):
                if holds(edge.condition, here, on):
                    for target in edge.targets:
                        if target not in found:
                            found[target] = edge
                            queue.append(target)
        return found

    def broken(self, walked: Walk, here: Here, claim: str) -> Iterator[Unmet]:
        """The requirements under one claim that are in force and not met in one environment."""
        asked = self.asked(walked, here)
        for one in self.unmet:
            if one.claim == claim and one.bearer.node in asked:
                met = any(node_of(number) in walked.reached for number in one.admitted)
                if not met and holds(one.condition, here, here.on):
                    yield one


def demands_of(lockfile: Lockfile, asking: Asking) -> Demands:
    """The graph of what is asked for. Owners of which a requirement cannot be judged become unexamined."""
    found = Demands()
    named = lockfile.named()
    queue = deque(Asked(key) for key in asking.owners if key != PROJECT)
    for chosen, edge in asking.choices:
        found.edges.append(edge)
        queue.append(chosen)
    seen: set[Asked] = set()
    while queue:
        asked = queue.popleft()
        if asked in seen or asked.key not in asking.owners:
            continue
        seen.add(asked)
        owner, which, node = asking.owners[asked.key], asked.which, asked.node
        if node != asked.key:
            found.nodes[node] = asked
        for group, included in owner.includes:
            if which == Listed("group", group):
                target = Asked(asked.key, Listed("group", included))
                bounds = owner.pythons.get(which, ALWAYS)
                found.edges.append(Edge(f"{node}~include {included}", node, (target.node,), bounds))
                queue.append(target)
        for label, line, condition in _in_force(owner, which, asking, lockfile):
            if lockfile.kind == "uv":
                condition = by_letters(condition)  # noqa: PLW2901
            name = f"{node}~{label}"
            for whose, edge in _asked_by(name, node, line, condition, named, asking, owner):
                found.edges.append(edge)
                queue += [Asked(whose, Listed("extra", extra)) for extra in line.extras]
            if line.name == asking.itself:
                continue
            admitted = tuple(e.number for e in named.get(line.name, ()) if _admits(line, e, owner, asking))
            found.unmet.append(Unmet(f"unmet {name}", owner.claim, asked, condition, line, admitted))
    _constrain(found, named, asking, lockfile)
    return found


def _in_force(owner: Owner, which: Listed, asking: Asking, lockfile: Lockfile) -> Iterator[tuple[str, Line, Condition]]:
    """The lines of one list after the project's overrides and exclusions, each with a label.

    As in uv, an override brings its own marker and stands for every line on its name; one for this package alone comes
    first, stays in the extra of what it replaces, and is added where there is nothing to replace.
    """
    instead, excluded = _for_one(owner, asking, lockfile)
    replaced: set[str] = set()
    overridden = {line.name for line in asking.edits.overrides}
    for place, line, condition in owner.of(which):
        if line.name in asking.edits.excludes or line.name in excluded or line.name in replaced:
            continue
        if line.name in instead:
            replaced.add(line.name)
            for label, other in instead[line.name]:
                for _, _, when in selected((other,), which.extra, listed=True):
                    yield label, other, when
        elif line.name not in overridden:
            yield str(place), line, condition
        else:
            replaced.add(line.name)
            for number, override in enumerate(asking.edits.overrides):
                when = _where(override, asking, lockfile)
                if override.name == line.name and when != NEVER:
                    yield f"override {number}", override, when
    known = {line.name for lines in owner.lists.values() for line in lines}
    for name, others in instead.items():
        if name not in known and name not in excluded and name not in asking.edits.excludes:
            for label, other in others:
                for _, _, when in selected((other,), which.extra):
                    yield label, other, when


def _for_one(
    owner: Owner, asking: Asking, lockfile: Lockfile
) -> tuple[dict[str, list[tuple[str, Line]]], frozenset[str]]:
    """The overrides (by name, with their labels) and the exclusions for one package alone."""
    instead: dict[str, list[tuple[str, Line]]] = {}
    edits = asking.edits
    if not (edits.scoped_overrides or edits.scoped_excludes) or owner.key == PROJECT:
        return instead, frozenset()
    entry = lockfile.entries[int(owner.key)]
    scopes = [scope for scope, _ in edits.scoped_overrides]
    for i in _nearest(scopes, entry):
        for j, line in enumerate(edits.scoped_overrides[i][1]):
            instead.setdefault(line.name, []).append((f"override {i}.{j}", line))
    excluded = [edits.scoped_excludes[i].names for i in _nearest([one.scope for one in edits.scoped_excludes], entry)]
    return instead, frozenset().union(*excluded)


def _nearest(scopes: list[Scope], entry: Entry) -> list[int]:
    """The places of those for this version of a package, or else of those for every version."""
    mine = [i for i, scope in enumerate(scopes) if scope.package == entry.name]
    whole = [i for i in mine if scopes[i].version is None]
    if not entry.version:
        return whole
    return [i for i in mine if i not in whole and scopes[i].covers(entry.name, entry.version)] or whole


def _where(line: Line, asking: Asking, lockfile: Lockfile) -> Condition:
    """Where a constraint or an override holds: by the rule for all settings of a project."""
    found = as_setting(line.marker, asking.steps, (*lockfile.switches, *asking.switches), lockfile.kind)
    return by_letters(found) if lockfile.kind == "uv" else found


def _asked_by(  # noqa: PLR0917
    name: str,
    node: str,
    line: Line,
    condition: Condition,
    named: dict[str, list[Entry]],
    asking: Asking,
    owner: Owner,
) -> Iterator[tuple[str, Edge]]:
    """The edges to what a line asks of others: their extras, where they are installed."""
    if not line.extras:
        return
    for entry in named.get(line.name, ()):
        key = str(entry.number)
        if key in asking.owners:
            targets = tuple(Asked(key, Listed("extra", extra)).node for extra in line.extras)
            yield key, Edge(f"{name}>{key}", node, targets, all_of(condition, Whether(Switch("reach", key))))
    if owner.own and asking.itself == line.name and PROJECT in asking.owners:
        targets = tuple(Asked(PROJECT, Listed("extra", extra)).node for extra in line.extras)
        yield PROJECT, Edge(f"{name}>{PROJECT}", node, targets, condition)


def _admits(line: Line, entry: Entry, owner: Owner, asking: Asking) -> bool:
    """Whether an entry meets a requirement.

    What the project takes from an address serves its own requirements whatever the version: uv does not ask for it.
    """
    if is_direct(entry) and (line.direct or owner.own):
        return True
    if line.direct:
        return False
    if not str(line.specifier):
        return True
    if not entry.version:
        reason = f"it requires {line.text}, and the lock does not tell the version of {entry.name}"
        asking.unexamined.setdefault(owner.key, reason)
        return True
    return meets(line, entry.version)


def meets(line: Line, version: str) -> bool:
    """Whether the line's specifier admits a version; one that is none is admitted only by no specifier at all."""
    try:
        return line.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


def _constrain(found: Demands, named: dict[str, list[Entry]], asking: Asking, lockfile: Lockfile) -> None:
    """Constraints bind what is installed, whoever requires it."""
    for number, line in enumerate(asking.edits.constraints):
        condition = _where(line, asking, lockfile)
        for entry in named.get(line.name, ()):
            if condition != NEVER and entry.version and not line.direct and not meets(line, entry.version):
                key = node_of(entry.number)
                found.unmet.append(
                    Unmet(
                        f"unmet {key}~constraint {number}", entry.name, Asked(key), condition, line, (), "the project"
                    )
                )
