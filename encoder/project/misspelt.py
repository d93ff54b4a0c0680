"""Keys and tables that nobody reads, and the known ones that their author may have meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from satlock.encoder.project.values import Value

__all__ = ["ignored", "misspelt", "near"]

_KNOWN: dict[tuple[str, ...], frozenset[str]] = {
    (): frozenset(("project", "dependency-groups", "build-system", "tool")),
    ("project",): frozenset((
        "name", "version", "description", "readme", "requires-python", "license", "license-files", "authors",
        "maintainers", "keywords", "classifiers", "urls", "scripts", "gui-scripts", "entry-points", "dependencies",
        "optional-dependencies", "import-names", "import-namespaces", "dynamic",
    )),
    ("build-system",): frozenset(("requires", "build-backend", "backend-path")),
    ("tool",): frozenset(("uv", "satlock")),
}  # fmt: skip
"""Tables whose other keys are passed over (in ``[tool]`` they are other tools' business), with the keys they have."""
_ALIKE = 0.8
"""How alike two names are, from 0 to 1, of which one may be meant for the other."""


def near(key: str, known: Collection[str]) -> str | None:
    """The known name that a key may stand for."""
    import difflib

    plain = key.strip().lower().replace("_", "-")
    found = difflib.get_close_matches(plain, sorted(known), n=1, cutoff=_ALIKE)
    return found[0] if found else None


def ignored(value: Value, key: str, known: Collection[str]) -> str:
    """The warning about a key that is unknown."""
    meant = near(key, known)
    return f"{value.where} is unknown and has no effect" + (f"; did you mean {meant}?" if meant else ".")


def misspelt(tables: Mapping[str, Value]) -> Iterator[str]:
    """A warning for each key and table outside of the settings that is unknown and looks like a known one."""
    for path, known in _KNOWN.items():
        table = dict(tables)
        for key in path:
            inner = table.get(key)
            table = inner.table() if inner is not None and isinstance(inner.raw, dict) else {}
        for key, value in table.items():
            if key not in known and near(key, known) is not None:
                yield ignored(value, key, known)
