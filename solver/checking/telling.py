"""Facts in the words that a person reads."""

from __future__ import annotations

from satlock.solver.checking.model import Table

__all__ = ["own_name", "shown_versions", "told_fact"]


def told_fact(fact: Table, packages: Table) -> str:
    """A fact for a person."""
    kind, by = fact["kind"], fact.get("by")
    if kind in ("held", "python", "bare", "lacks", "escape"):
        count = sum(last - first + 1 for first, last in fact["ranks"])
        are, has = ("is", "has") if count == 1 else ("are", "have")
        versions = f"{count} version{'' if count == 1 else 's'} of {fact['on']}"
        if kind == "bare":
            return f"{versions} {has} no file there"
        if kind == "lacks":
            return f"{versions} {has} no extra {fact['extra']}"
        if kind == "escape":
            beside = " and ".join(shown_versions(one, packages) for one in fact["given"])
            return f"{beside}: does not say yet that {versions} {are} too new, as its later releases do"
        return f"{versions} {are} out: it {fact['why'] if kind == 'held' else 'does not admit that Python'}"
    who = fact["list"] if by is None or kind == "constraint" else shown_versions(by, packages)
    if kind == "refused":
        return f"{who}: {fact['why']}"
    return f"{who}: {fact['line']}" + (f" (by {fact['list']})" if by is not None and "list" in fact else "")


def own_name(name: str) -> str:
    """The package that is spoken of under a name."""
    return name.partition(" #")[0]


def shown_versions(by: Table, packages: Table) -> str:
    name = by["package"] + (f"[{by['extra']}]" if by["extra"] else "")
    versions = packages[by["package"]]["versions"]
    spans = [versions[a - 1] if a == b else f"{versions[a - 1]} to {versions[b - 1]}" for a, b in by["ranks"]]
    return f"{name} {', '.join(spans)}".rstrip()
