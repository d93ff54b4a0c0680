"""From steps to the changes of the ``pyproject.toml`` that take them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from satlock.corpora.names import canonicalize_name
from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.grid import Python
from satlock.encoder.markers.marker import TRUE, all_of, any_of, from_marker
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.markers.structure import Marker
from satlock.encoder.project.amendments import Amendment, InList, Setting, setting_path
from satlock.encoder.project.project import Choice
from satlock.solver.explaining.repinning import sources_of
from satlock.solver.explaining.steps import Step

__all__ = ["amendments_of", "bound_of"]


_ON_REQUIREMENTS = ("bound", "extra", "requirement", "rename")


def amendments_of(
    steps: Collection[Step], document: Mapping[str, Any], tightened: Mapping[Step, Any] | None = None
) -> list[Amendment]:
    """The changes that take these steps.

    Args:
        tightened: for a bound that need not go altogether, the clauses that take its place (``">=1.4"``); for a
            package of which not every newer file is needed, its ``exclude-newer``.
    """
    return [*_on_requirements(steps, document, tightened or {}), *_settings(steps, document, tightened or {})]


def _on_requirements(
    steps: Collection[Step], document: Mapping[str, Any], tightened: Mapping[Step, Any]
) -> Iterator[Amendment]:
    touched = dict.fromkeys(step.subject[:2] for step in steps if step.kind in _ON_REQUIREMENTS)
    for path, item in touched:
        own = [step for step in steps if step.subject[:2] == (path, item)]
        if any(step.kind == "requirement" for step in own):
            yield InList(path, item, None)
            continue
        changed = Requirement(item)
        changed.name = next((step.subject[2] for step in own if step.kind == "rename"), changed.name)
        changed.extras = set(changed.extras) - {step.subject[2] for step in own if step.kind == "extra"}
        kept = []
        for clause in changed.specifier:
            step = next((one for one in own if one.kind == "bound" and one.subject[2] == str(clause)), None)
            kept.append(str(clause) if step is None else tightened.get(step, ""))
        changed.specifier = _joined(kept)
        empty = path[-1] == "constraint-dependencies" and not changed.specifier
        yield InList(path, item, None if empty else _with_marker_of(item, changed))


def _with_marker_of(item: str, changed: Requirement) -> str:
    """The changed requirement, lower bounds first, with its marker as it was written."""
    extras = f"[{','.join(sorted(changed.extras))}]" if changed.extras else ""
    clauses = sorted(map(str, changed.specifier), key=lambda text: (">=~<!".find(text[0]), text))
    head = f"{changed.name}{extras}{','.join(clauses)}"
    return head if changed.marker is None else f"{head} ;{item.partition(';')[2]}"


def _joined(clauses: Collection[str]) -> SpecifierSet:
    return SpecifierSet(",".join(clause for clause in clauses if clause))


def _settings(
    steps: Collection[Step], document: Mapping[str, Any], tightened: Mapping[Step, Any]
) -> Iterator[Amendment]:
    python = document.get("project", {}).get("requires-python", "")
    apart = list(_cliques([step.subject for step in steps if step.kind == "conflict"]))
    if apart:
        path = setting_path(document, "conflicts")
        # All of the table, so that it can be pasted as it is.
        yield Setting(path, [*_value(document, path), *([{one.kind: one.name} for one in row] for row in apart)])
    left_out = [step.kept for step in steps if step.kind == "leave-out"]
    for step in steps:
        subject = step.subject
        match step.kind:
            case "include":
                path, item = subject
                yield InList(path, dict(item) if isinstance(item, tuple) else item, None)
            case "prerelease":
                yield Setting(_per_package(document, "prerelease-package", subject[0]), "allow")
            case "newer":
                yield Setting(_per_package(document, "exclude-newer-package", subject[0]), tightened.get(step, False))
            case "yanked":
                path = setting_path(document, "constraint-dependencies")
                yield InList(path, None, f"{subject[0]}=={subject[1]}")
            case "build":
                yield from _switched_on(document, *subject)
            case "python-from":
                yield Setting(("project", "requires-python"), _python(python, ">=", subject[0]))
            case "python-below":
                yield Setting(("project", "requires-python"), _python(python, "<", subject[0]))
            case "single-version":
                path = setting_path(document, "single-version", only_satlock=True)
                for item in _value(document, path):
                    if canonicalize_name(item) == subject[0]:
                        yield InList(path, item, None)
            case "required":
                path = setting_path(document, "required-environments")
                found = _value(document, path)
                for item in [found] if isinstance(found, str) else found:
                    if str(Marker(item)) == subject[0]:
                        yield InList(path, item, None)
            case "source":
                yield _sent(document, *subject)
            case "narrow":
                yield from _narrowed(document, *subject)
            case "pin":
                for path, entries in sources_of(document, subject[0]):
                    rest = [entry for entry in entries if entry.get("index") != subject[1]]
                    yield Setting(path, rest or None)
    if left_out:
        path = setting_path(document, "environments")
        stated = _value(document, path)
        markers = [stated] if isinstance(stated, str) else stated
        present = any_of(from_marker(Marker(marker)) for marker in markers) if markers else TRUE
        marker = Shortener(Domain()).marker(all_of((present, *left_out)))
        yield Setting(path, [marker] if marker else None)


def _sent(document: Mapping[str, Any], name: str, index: str, scope: tuple[tuple[str, str], ...]) -> Setting:
    """The source that sends a package to an index, beside those it has."""
    entry = {"index": index, **dict(scope)}
    for path, entries in sources_of(document, name):
        return Setting(path, [*entries, entry])
    return Setting((*setting_path(document, "sources"), name), [entry] if scope else entry)


def _narrowed(document: Mapping[str, Any], name: str, index: str, marker: str) -> Iterator[Setting]:
    """The sources of a package with those of one index in force in fewer environments."""
    for path, entries in sources_of(document, name):
        changed = [
            {**entry, "marker": _both(entry.get("marker", ""), marker)} if entry.get("index") == index else entry
            for entry in entries
        ]
        yield Setting(path, changed)


def _both(one: str, other: str) -> str:
    if not one:
        return other
    return str(Shortener(Domain()).marker(all_of((from_marker(Marker(one)), from_marker(Marker(other))))))


def _cliques(pairs: Collection[tuple[Choice, Choice]]) -> Iterator[list[Choice]]:
    """The pairs as sets of which any two members are a pair, as large as they come in order."""
    known, left = {frozenset(pair) for pair in pairs}, list(pairs)
    while left:
        members = list(left[0])
        for one in dict.fromkeys(choice for pair in pairs for choice in pair):
            if one not in members and all(frozenset((one, other)) in known for other in members):
                members.append(one)
        left = [pair for pair in left if not set(pair) <= set(members)]
        yield members


def _value(document: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = document
    for key in path:
        found = found.get(key, {})
    return found or []


def _per_package(document: Mapping[str, Any], key: str, name: str) -> tuple[str, ...]:
    path = setting_path(document, key)
    spelled = next((one for one in _value(document, path) if canonicalize_name(one) == name), name)
    return (*path, spelled)


def _switched_on(document: Mapping[str, Any], name: str, key: str) -> Iterator[Amendment]:
    path = setting_path(document, key)
    if _value(document, path):
        yield Setting(path, False)
    path = setting_path(document, f"{key}-package")
    for item in _value(document, path):
        if canonicalize_name(item) == name:
            yield InList(path, item, None)


def _python(stated: str, operator: str, release: Python) -> str:
    """A requires-python with another lower or upper bound."""
    replaced = (">=", ">") if operator == ">=" else ("<", "<=")
    kept = [str(clause) for clause in SpecifierSet(stated) if clause.operator not in replaced]
    bound = f"{operator}{bound_of(release)}"
    lower_first = sorted([*kept, bound], key=lambda text: (text[0] != ">", text))
    return ",".join(lower_first)


def bound_of(release: Python) -> str:
    """A Python release as a person writes it: 3.12, or 3.12.1."""
    major, minor, micro = release
    return f"{major}.{minor}.{micro}" if micro else f"{major}.{minor}"
