"""The ``[project]`` table of a ``pyproject.toml``, where it binds what is built from it (PEP 621)."""

from __future__ import annotations

import re
from typing import Any

from satlock.corpora.facts import Metadata
from satlock.corpora.index.metadata import agrees
from satlock.corpora.index.requirements import conditional, extra_name, parsed

__all__ = ["own_project_fields", "project_fields"]

_DECIDES = frozenset(("dependencies", "optional-dependencies", "requires-python", "name"))
_MOST_DOTS = 20
"""In a line, outside of strings: what tomllib makes of long dotted keys grows with their square."""
_NO_KEY = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"""|\Z)' r"|'''.*?(?:'''|\Z)" r'|"(?:\\[^\n]|[^"\\\n])*+"?' r"|'[^'\n]*+'?" r"|#[^\n]*+",
    re.DOTALL,
)
"""Strings and comments, closed or not; it matches at every quote, so that looking for it takes linear time."""


def project_fields(data: bytes, name: str, version: str) -> Metadata | None:
    """The metadata of the candidate ``name`` (normalised) ``version`` from the ``pyproject.toml`` of its sources.

    None where the table does not tell all of it (a build has to), is broken, or is that of another candidate.
    """
    try:
        return _fields(_read(data), name, version)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def own_project_fields(data: bytes, *, package: bool = True) -> Metadata | None:
    """As :func:`project_fields`, of whatever candidate the table says it is of.

    None as well where it does not tell the version; one that is not installed itself (``package``) needs none.
    """
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    try:
        document = _read(data)
        project = document["project"]
        name = canonicalize_name(project["name"], validate=True)
        if "version" not in project and not package:
            left = [field for field in _strings(project.get("dynamic", [])) if field.lower() != "version"]
            return _fields({**document, "project": {**project, "version": "0", "dynamic": left}}, name, "0")
        return _fields(document, name, str(Version(project["version"])))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _read(data: bytes) -> dict[str, Any]:
    import tomllib

    text = data.decode("utf-8")
    if any(line.count(".") > _MOST_DOTS for line in _NO_KEY.sub("", text).split("\n")):
        raise ValueError("its keys are too long")
    return tomllib.loads(text)


def _fields(document: dict[str, Any], name: str, version: str) -> Metadata | None:
    from packaging.specifiers import SpecifierSet
    from packaging.utils import canonicalize_name

    project = document["project"]
    dynamic = {field.lower().replace("_", "-") for field in _strings(project.get("dynamic", []))}
    if dynamic & _DECIDES or canonicalize_name(project["name"]) != name or _poetry_decides(document):
        return None
    said = project.get("version")
    if (said is None) != ("version" in dynamic) or not (said is None or agrees(said, version)):
        return None
    pythons = project.get("requires-python")
    if pythons is not None:
        SpecifierSet(pythons.strip())
    requires = _strings(project.get("dependencies", []))
    lines = [text.strip() for text, _ in zip(requires, parsed(requires), strict=True)]
    extras: dict[str, None] = {}
    for extra, texts in project.get("optional-dependencies", {}).items():
        extras[normal := extra_name(extra)] = None
        lines += [conditional(requirement, extra=normal) for requirement in parsed(_strings(texts))]
    if any("{" in line.partition(";")[0] for line in lines):
        return None  # a template of hatch
    return Metadata(name, version, tuple(dict.fromkeys(lines)), pythons or None, tuple(extras))


def _poetry_decides(document: dict[str, Any]) -> bool:
    """Whether poetry takes from its own tables what the ``[project]`` table leaves out."""
    project, poetry = document["project"], document.get("tool", {}).get("poetry", {})
    dependencies = poetry.get("dependencies", {})
    return (
        ("dependencies" in poetry and "dependencies" not in project)
        or ("extras" in poetry and "optional-dependencies" not in project)
        or ("python" in dependencies and "requires-python" not in project)
    )


def _strings(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError("it is not a list of strings")
    return value
