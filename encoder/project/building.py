"""What ``[tool.uv]`` says of builds: what they get besides, and which settings their backends are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from satlock.corpora.index.building import Building
from satlock.encoder.project.values import Value

__all__ = ["BUILD_KEYS", "read_building"]

BUILD_KEYS = frozenset((
    "build-constraint-dependencies", "config-settings", "config-settings-package", "extra-build-dependencies",
    "extra-build-variables", "no-build-isolation", "no-build-isolation-package",
))  # fmt: skip


def read_building(settings: Mapping[str, Value]) -> Building:
    """The keys of :data:`BUILD_KEYS`. Raises ProjectError where one has a value that it cannot have."""
    every = "no-build-isolation" in settings and settings["no-build-isolation"].flag()
    packages = settings.get("no-build-isolation-package")
    names = packages.items("a list of package names") if packages is not None else ()
    constraints = settings.get("build-constraint-dependencies")
    return Building(
        extra={
            name: tuple(_extra(item) for item in value.items("a list of requirements"))
            for name, value in _by_package(settings.get("extra-build-dependencies"))
        },
        variables={
            name: {key: item.text("a string") for key, item in value.table().items()}
            for name, value in _by_package(settings.get("extra-build-variables"))
        },
        settings=_settings(settings.get("config-settings")),
        settings_of={name: _settings(value) for name, value in _by_package(settings.get("config-settings-package"))},
        constraints=tuple(
            item.requirement(constraints.where).text for item in (constraints.items() if constraints else ())
        )
        if constraints is not None
        else (),
        shared=None if every else frozenset(item.name("package name") for item in names),
    )


def _by_package(value: Value | None) -> list[tuple[str, Value]]:
    if value is None:
        return []
    return [(value.key_name(key, "package name"), item) for key, item in value.table().items()]


def _extra(value: Value) -> str:
    """A requirement, or a table with one; what ``match-runtime`` asks for is not known before there is a lock."""
    if isinstance(value.raw, dict):
        table = value.table()
        if "requirement" not in table:
            raise value.error("has no requirement", 'write { requirement = "numpy", match-runtime = true }')
        for key, item in table.items():
            if key == "match-runtime":
                item.flag()
            elif key != "requirement":
                raise item.error("is unknown", "use requirement and match-runtime")
        value = table["requirement"]
    return value.requirement(value.where).text


def _settings(value: Value | None) -> dict[str, Any]:
    """Texts and lists of texts; a truth value means its word, as in uv."""
    found: dict[str, Any] = {}
    for key, item in value.table().items() if value is not None else ():
        if isinstance(item.raw, bool):
            found[key] = str(item.raw).lower()
        elif isinstance(item.raw, list):
            found[key] = [one.text("a string") for one in item.items()]
        else:
            found[key] = item.text("a string or a list of strings")
    return found
