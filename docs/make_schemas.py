"""Writes ``docs/schemas/``: what a program may rely on in the reports of ``--json``, and the tables of a project.

    python docs/make_schemas.py            # writes them
    python docs/make_schemas.py --check    # 1 where they are not what would be written

A key that is listed is there in every report of its kind; further keys may come with any release.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DIALECT = "https://json-schema.org/draft/2020-12/schema"

TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number"}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
FLAG: dict[str, Any] = {"type": "boolean"}
TEXTS: dict[str, Any] = {"type": "array", "items": TEXT}
MARKER: dict[str, Any] = {
    "type": ["string", "null"],
    "description": "A marker of PEP 751; null where it is everywhere.",
}
ANYTHING: dict[str, Any] = {}


def or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def listed(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


def named(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": schema}


def table(always: dict[str, Any], sometimes: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An object whose first keys are always there."""
    return {"type": "object", "properties": {**always, **(sometimes or {})}, "required": list(always), **more}


ENVIRONMENT = table({"markers": named(TEXT), "extras": TEXTS, "groups": TEXTS})
CANDIDATE = table({"version": TEXT, "index": or_null(TEXT), "marker": MARKER})
PACKAGE = table({"name": TEXT, "version": TEXT, "index": or_null(TEXT), "marker": MARKER})
CHANGED = table({"key": TEXTS}, {"set": ANYTHING, "add": ANYTHING, "remove": ANYTHING})
WAY = table({"text": TEXT, "changes": listed(CHANGED)})
NO_LOCK = {
    "explanation": TEXTS,
    "environment": or_null(ENVIRONMENT),
    "unknown": listed(table({"name": TEXT, "meant": or_null(TEXT)})),
    "ways-out": listed(WAY),
    "ways-out-complete": FLAG,
    "ways-out-narrowed": FLAG,
    "ways-out-cut": TEXT,
}
NEWEST = table({"version": TEXT, "days": or_null(COUNT), "releases": COUNT})
HOLDERS = listed(table({"by": TEXT, "requirement": TEXT}))
BEHIND = {"version": TEXT, "marker": MARKER, "newest": NEWEST, "holders": HOLDERS}
NOT_NEWER = or_null(
    table(
        {
            "newest": TEXT,
            "newer": TEXT,
            "days": COUNT,
            "headline": TEXT,
            "lines": TEXTS,
            "proven": FLAG,
            "hard": FLAG,
            "kept": FLAG,
        }
    )
)
YANKED = table({"name": TEXT, "version": TEXT, "index": TEXT, "reason": TEXT, "asked-by": TEXTS, "since-locked": FLAG})
LOCK = table(
    {"status": {"enum": ["locked", "unchanged", "valid", "out of date", "would lock", "there", "no lock"]},
     "lockfile": TEXT, "format": {"enum": ["pylock", "uv"]}, "objective": TEXT},
    {
        **NO_LOCK,
        "reason": TEXT,
        "applied": table({"text": TEXT, "changes": listed(CHANGED), "difference": TEXTS}),
        "counts": table({"packages": COUNT, "candidates": COUNT, "files": COUNT, "regions": COUNT},
                        {"listings": COUNT, "metadata": COUNT}),
        "packages": listed(PACKAGE),
        "regions": listed(table({"marker": MARKER, "candidates": COUNT})),
        "several": named(listed(CANDIDATE)),
        "left-out": listed(table({"name": TEXT, "version": TEXT, "reason": TEXT})),
        "yanked": listed(YANKED),
        "without-file": listed(table({})),
        "notes": TEXTS,
        "changes": listed(table({"name": TEXT})),
        "times": named(NUMBER),
        "solver": named(NUMBER),
        "cells": named(COUNT),
        "behind": listed(table({"name": TEXT, **BEHIND})),
        "conflicts": listed(table({})),
    },
)  # fmt: skip
STEP = table({"name": or_null(TEXT), "marker": MARKER}, {"version": TEXT, "source": TEXT, "extra": TEXT, "group": TEXT,
                                                        "member": TEXT})  # fmt: skip
CHANGE = table({"name": TEXT, "before": TEXTS, "after": TEXTS, "days": or_null({"type": "integer"})})
HELD = or_null(table({"version": TEXT, "source": TEXT}))
FILE = {"path": TEXT, "sha256": TEXT}
PLACE = table({"platform": TEXT, "machine": TEXT, "implementation": TEXT, "pythons": TEXTS})
TRUSTED = table(
    {"what": TEXT, "index": TEXT, "count": COUNT, "bound": COUNT, "confirmed": or_null(COUNT)},
    {"recorded": or_null(TEXT), "asked": or_null(TEXT), "detail": or_null(TEXT)},
)
CLAIMED = table(
    {"package": TEXT, "version": TEXT, "newest": TEXT, "environments": TEXTS, "facts": TEXTS, "kept": TEXTS}
)
CONFIRMED = table(
    {
        "property": {"enum": ["unique", "index-pins", "installable", "complete", "optimality", "no-lock"]},
        "packages": TEXTS,
        "all_packages": FLAG,
        "environments": listed(PLACE),
        "left_out": TEXTS,
        "unproven": TEXTS,
        "unexamined": TEXTS,
        "facts": TEXTS,
        "clash_in": TEXTS,
        "not_newer": listed(CLAIMED),
        "clauses": COUNT,
        "steps": COUNT,
        "trusted": listed(TRUSTED),
    }
)

REPORTS: dict[str, tuple[str, dict[str, Any]]] = {
    "lock": ("satlock lock", LOCK),
    "why": (
        "satlock why",
        table(
            {
                "name": TEXT,
                "specifier": TEXT,
                "status": {"enum": ["locked", "met", "possible", "impossible", "no lock"]},
            },
            {
                "entries": listed(
                    table(
                        {
                            "version": TEXT,
                            "index": TEXT,
                            "marker": MARKER,
                            "direct": FLAG,
                            "not_newer": NOT_NEWER,
                            "places": listed(table({"marker": MARKER, "not_newer": NOT_NEWER})),
                        }
                    )
                ),
                "versions": TEXTS,
                "fewest": COUNT,
                "changes": listed(CHANGE),
                "explanation": TEXTS,
                "upgraded": table({}),
            },
        ),
    ),
    "tree": (
        "satlock tree",
        table(
            {
                "lockfile": TEXT,
                "project": or_null(TEXT),
                "requires": listed(STEP),
                "packages": listed(
                    table(
                        {
                            "name": TEXT,
                            "version": TEXT,
                            "source": TEXT,
                            "marker": MARKER,
                            "requires": listed(STEP),
                            "required-by": listed(STEP),
                        }
                    )
                ),
            }
        ),
    ),
    "outdated": (
        "satlock outdated",
        table(
            {
                "lockfile": TEXT,
                "packages": COUNT,
                "outdated": listed(
                    table(
                        {
                            "name": TEXT,
                            "locked": TEXTS,
                            "upgrade": TEXTS,
                            "newest": NEWEST,
                            "remains": listed(table(BEHIND)),
                        }
                    )
                ),
            }
        ),
    ),
    "diff": (
        "satlock diff",
        table(
            {
                "before": TEXT,
                "after": TEXT,
                "counts": named(COUNT),
                "changes": listed(
                    table(
                        {
                            "name": TEXT,
                            "kind": {"enum": ["added", "removed", "newer", "older", "changed", "files"]},
                            "before": HELD,
                            "after": HELD,
                            "marker": MARKER,
                            "files": TEXTS,
                        }
                    )
                ),
                "environments": table({"gone": or_null(TEXT), "new": or_null(TEXT)}),
            }
        ),
    ),
    "audit": (
        "satlock audit",
        table(
            {
                "lockfile": TEXT,
                "packages": COUNT,
                "elsewhere": COUNT,
                "ignored": COUNT,
                "findings": listed(
                    table(
                        {
                            "name": TEXT,
                            "version": TEXT,
                            "marker": MARKER,
                            "required-by": TEXTS,
                            "advisories": listed(
                                table(
                                    {
                                        "id": TEXT,
                                        "aliases": TEXTS,
                                        "summary": TEXT,
                                        "severity": TEXT,
                                        "fixed": TEXTS,
                                        "url": TEXT,
                                    }
                                )
                            ),
                            "remedy": or_null(
                                table({"versions": TEXTS, "changes": listed(CHANGE), "reason": or_null(TEXT)})
                            ),
                        }
                    )
                ),
            }
        ),
    ),
    "conflicts": (
        "satlock conflicts",
        table(
            {"status": {"enum": ["conflicts", "none", "no lock"]}},
            {
                **NO_LOCK,
                "conflicts": listed(
                    table({"members": listed(named(TEXT)), "environment": ENVIRONMENT, "explanation": TEXTS})
                ),
                "declared": listed(listed(named(TEXT))),
            },
        ),
    ),
    "prove": (
        "satlock prove",
        table(
            {"lockfile": TEXT, "property": TEXT, "packages": named(table({"proven": FLAG}))},
            {"further": listed(table({"lockfile": TEXT, "property": TEXT, "packages": named(table({}))}))},
        ),
    ),
    "check": (
        "satlock check",
        table(
            {"confirmed": FLAG},
            {
                "reason": TEXT,
                "lockfile": or_null(table({**FILE, "format": TEXT})),
                "project": or_null(table(FILE)),
                "workspace": listed(table(FILE)),
                "requires_python": TEXT,
                "members": TEXTS,
                "conflicts": listed(TEXTS),
                "properties": listed(CONFIRMED),
            },
        ),
    ),
    "corpus": (
        "satlock corpus show",
        table(
            {"snapshot": TEXT, "digest": TEXT, "recorded": TEXT, "projects": listed({}), "indexes": named(table({}))}
        ),
    ),
    "serve": ("satlock corpus serve", table({"base": TEXT, "indexes": named(TEXT), "default-index": or_null(TEXT)})),
    "error": (
        "any command that ends with 1, 2 or 3 and has nothing else to report",
        table({"exit-code": {"enum": [1, 2, 3]}, "error": TEXTS}),
    ),
}

CHOICE = {
    "oneOf": [
        table({kind: TEXT}, {"package": TEXT}, additionalProperties=False) for kind in ("extra", "group")
    ] + [table({"package": TEXT}, additionalProperties=False)]
}  # fmt: skip
SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "output": (TEXT, "Where satlock lock writes: pylock.toml, pylock.NAME.toml or uv.lock."),
    "single-version": (TEXTS, "Packages that have one version and build everywhere, or there is no lock."),
    "conflicts": (listed({"type": "array", "items": CHOICE, "minItems": 2}),
                  "Sets of extras and groups that are never chosen together."),
    "sources": ({"type": "object"}, "Where packages come from: an index, a repository, an address or a folder."),
    "index": (listed({"type": "object"}), "The indexes, in the order in which they are asked."),
    "constraint-dependencies": (listed({}), "Bounds on versions, whoever requires them."),
    "override-dependencies": (listed({}), "Requirements in place of everybody's."),
    "exclude-dependencies": (TEXTS, "Packages that are never locked."),
    "environments": ({"anyOf": [TEXT, TEXTS]}, "The environments that the lock is for, as markers."),
    "required-environments": ({"anyOf": [TEXT, TEXTS]}, "Environments in which every package must have a file."),
    "prerelease": ({"enum": ["disallow", "allow", "if-necessary", "explicit", "if-necessary-or-explicit"]},
                   "Which pre-releases are admitted."),
    "prerelease-package": ({"type": "object"}, "The same for single packages."),
    "resolution": ({"enum": ["highest", "lowest", "lowest-direct"]}, "Which versions are taken."),
    "fork-strategy": ({"enum": ["requires-python", "fewest"]},
                      "Whether each Python gets the best version, or the fewest versions are taken."),
    "exclude-newer": ({"anyOf": [TEXT, FLAG]}, "Ignore files that were uploaded later."),
    "exclude-newer-package": ({"type": "object"}, "The same for single packages."),
    "dependency-metadata": (listed({"type": "object"}), "Metadata in place of what a package says."),
    "default-groups": ({"anyOf": [TEXTS, {"const": "all"}]}, "Groups that are installed unless one says otherwise."),
    "dev-dependencies": (listed({}), "The group dev, as uv had it once."),
    "no-build": (FLAG, "Take no source distributions."),
    "no-build-package": (TEXTS, "Take none of these packages."),
    "no-index": (FLAG, "Ask no index: only find-links, and what sources name."),
    "no-sources": (FLAG, "Pass over all sources."),
    "no-sources-package": (TEXTS, "Pass over the sources of these packages."),
    "no-binary": (FLAG, "Take no wheels."),
    "no-binary-package": (TEXTS, "Take none of these packages."),
    "index-url": (TEXT, "The default index."),
    "extra-index-url": (TEXTS, "Indexes that are asked before it."),
    "find-links": ({"anyOf": [TEXT, TEXTS]}, "Folders and pages with files, beside the indexes."),
    "dependency-groups": ({"type": "object"}, "For which Pythons each group is."),
    "workspace": ({"type": "object"}, "The members of the workspace."),
    "metadata-per-wheel": ({}, "Packages whose wheels of one version may require different things."),
    "allow-insecure-host": ({"anyOf": [TEXT, TEXTS]}, "Hosts whose certificates are not checked."),
    "keyring-provider": (TEXT, "Where passwords are kept."),
    "native-tls": (FLAG, "Trust the certificates of the system."),
    "system-certs": (FLAG, "The same, as uv calls it now."),
    "build-constraint-dependencies": (listed({}), "Bounds on what builds need."),
    "config-settings": ({"type": "object"}, "What builds are told."),
    "config-settings-package": ({"type": "object"}, "The same for single packages."),
    "extra-build-dependencies": ({"type": "object"}, "What builds of a package need besides."),
    "extra-build-variables": ({"type": "object"}, "Variables of the environment of builds."),
    "no-build-isolation": (FLAG, "Build without an environment of its own."),
    "no-build-isolation-package": (TEXTS, "The same for single packages."),
    "index-strategy": ({"enum": ["first-index", "unsafe-first-match", "unsafe-best-match"]},
                       "Which indexes are asked for one package."),
}  # fmt: skip


def schemas() -> dict[str, str]:
    """The name of each file, with its text."""
    found: dict[str, dict[str, Any]] = {}
    for name, (command, schema) in REPORTS.items():
        head = {"$schema": DIALECT, "$id": f"urn:satlock:{name}:1", "title": f"The report of {command}"}
        mark = {"schema": {"const": f"satlock/{name}"}, "version": {"const": 1}}
        body = {**schema, "properties": {**mark, **schema["properties"]}, "required": [*mark, *schema["required"]]}
        found[f"{name}.json"] = {**head, **body}
    found["tool-satlock.json"] = {
        "$schema": DIALECT,
        "$id": "urn:satlock:tool-satlock:1",
        "title": "The table [tool.satlock] of a pyproject.toml",
        "description": "Keys of [tool.uv] mean what they mean there, and win over it.",
        "type": "object",
        "properties": {key: {**schema, "description": said} for key, (schema, said) in SETTINGS.items()},
    }
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in found.items()}


def main() -> int:
    folder = HERE / "schemas"
    folder.mkdir(exist_ok=True)
    wrong = [
        name
        for name, text in schemas().items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv:
        for name in wrong:
            print(f"docs/schemas/{name} is not what docs/make_schemas.py writes")
        return bool(wrong)
    for name in wrong:
        (folder / name).write_text(schemas()[name], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
