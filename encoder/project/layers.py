"""Settings from outside of a project's file, and how the same key from several places becomes one value.

The places, the strongest first, as in uv: the command line, the environment, the project, the user's ``uv.toml``, the
system's. Of single values the strongest place's counts; lists follow one another; tables are joined key by key.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from satlock.encoder.project.project import ProjectError
from satlock.encoder.project.tables import tables_of, tool_of
from satlock.encoder.project.values import Value
from satlock.records import dataclass, field

__all__ = ["COMMAND_LINE", "NOTHING_AROUND", "OF_UV_TOML", "Around", "Layer", "joined", "read_uv_toml", "uv_settings"]

COMMAND_LINE = "the command line"
"""What stands for the file of a value that an option gives; a relative path in it starts at the current folder."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OF_UV_TOML = _words(
    "allow-insecure-host config-settings config-settings-package dependency-metadata exclude-newer "
    "exclude-newer-package extra-build-dependencies extra-build-variables extra-index-url find-links fork-strategy "
    "http-proxy https-proxy index index-strategy index-url keyring-provider native-tls no-binary no-binary-package "
    "no-build no-build-isolation no-build-isolation-package no-build-package no-index no-proxy no-sources "
    "no-sources-package offline prerelease prerelease-package resolution system-certs torch-backend upgrade "
    "upgrade-package"
)
"""The keys that steer a lock and that a ``uv.toml`` may have; the others of ``[tool.uv]`` belong to a project."""


Layer: TypeAlias = Mapping[str, Value]
"""What one place sets, by the keys of ``[tool.uv]``."""


@dataclass(frozen=True)
class Around:
    """What is set outside of the project, the strongest place first."""

    above: Sequence[Layer] = ()
    """Stronger than the project."""
    below: Sequence[Layer] = ()
    """Weaker than the project."""
    python: str | None = None
    """The Python that was asked for, as uv takes it; it stands in for a missing ``requires-python``."""
    files: bool = True
    """Whether files beside the project count, such as ``.python-version``."""
    config: Layer | None = None
    """What stands in place of all that a ``uv.toml`` or ``[tool.uv]`` may say; None where nothing does."""

    def over(self, settings: Layer) -> dict[str, Value]:
        """The settings of a project with those that stand above and below them."""
        layers = [*self.above, settings, *self.below]
        keys = dict.fromkeys(key for layer in (settings, *self.above, *self.below) for key in layer)
        return {key: joined([layer[key] for layer in layers if key in layer]) for key in keys}


NOTHING_AROUND = Around()


@dataclass(frozen=True)
class _Joined(Value):
    """A list or a table whose parts stand in several places; each part's errors name its own place."""

    parts: tuple[Value, ...] = field(default=())

    def items(self, what: str = "a list") -> Iterator[Value]:
        return (item for part in self.parts for item in part.items(what))

    def table(self) -> dict[str, Value]:
        found: dict[str, list[Value]] = {}
        for part in self.parts:
            for key, value in part.table().items():
                found.setdefault(key, []).append(value)
        return {key: joined(values) for key, values in found.items()}


def joined(values: Sequence[Value]) -> Value:
    """One value of those that several places give, the strongest first."""
    first, *others = values
    for kind in (list, dict):
        if isinstance(first.raw, kind):
            same = [other for other in others if isinstance(other.raw, kind)]
            if not same:
                return first
            raw: object = (
                [item for value in (first, *same) for item in _list(value)]
                if kind is list
                else {key: item for value in (*reversed(same), first) for key, item in _dict(value).items()}
            )
            return _Joined(raw, first.file, first.where, (first, *same))
    return first


def _list(value: Value) -> list[object]:
    return value.raw if isinstance(value.raw, list) else []


def _dict(value: Value) -> dict[str, object]:
    return value.raw if isinstance(value.raw, dict) else {}


def read_uv_toml(path: Path) -> dict[str, Value]:
    """The keys of a ``uv.toml`` that steer a lock; none where there is no such file.

    Raises:
        ProjectError: it cannot be read.
    """
    if not path.is_file():
        return {}
    table = tables_of(path)
    return {key: value for key, value in table.items() if key in OF_UV_TOML}


def uv_settings(folder: Path, tables: Mapping[str, Value], around: Around, warnings: list[str]) -> Value | None:
    """``[tool.uv]`` of the project in ``folder``, as uv finds it.

    A ``uv.toml`` beside the project takes the place of all that it may have; a project without any of the two has what
    the next folder above has.

    Raises:
        ProjectError: a ``uv.toml`` cannot be read.
    """
    own, file = tool_of(tables, "uv"), folder / "uv.toml"
    if around.config is not None:
        return _hidden_by(around.config, own, folder)
    if not file.is_file():
        return own if own is not None else _from_above(folder)
    hidden = [key for key in (_dict(own) if own is not None else {}) if key in OF_UV_TOML]
    if hidden:
        warnings.append(
            f"{file} hides what [tool.uv] beside it says of {', '.join(hidden)}, as it does from uv; "
            "write each setting into one of the two."
        )
    return _hidden_by(read_uv_toml(file), own, folder)


def _hidden_by(stated: Layer, own: Value | None, folder: Path) -> Value:
    """``[tool.uv]`` with what a ``uv.toml`` says in place of all that it may say; sources may name hidden indexes."""
    said = _dict(own) if own is not None else {}
    where = own.where if own is not None else "tool.uv"
    rest = {key: raw for key, raw in said.items() if key not in OF_UV_TOML}
    named = _only_for_sources(said.get("index"))
    file = str(folder / "pyproject.toml")
    parts = [Value(rest, file, where), *(Value({key: v.raw}, v.file, "") for key, v in stated.items())]
    return joined([*parts, Value({"index": named} if named else {}, file, where)])


def _only_for_sources(raw: object) -> list[object]:
    """Of hidden indexes those that have a name: sources may still name them."""
    entries = raw if isinstance(raw, list) else []
    named = [entry for entry in entries if isinstance(entry, dict) and "name" in entry]
    return [{**entry, "explicit": True, "default": False} for entry in named]


def _from_above(folder: Path) -> Value | None:
    for above in Path(os.path.abspath(folder)).parents:
        if (above / "uv.toml").is_file():
            return Value({key: v.raw for key, v in read_uv_toml(above / "uv.toml").items()}, str(above / "uv.toml"), "")
        file = above / "pyproject.toml"
        try:
            found = tool_of(tables_of(file), "uv") if file.is_file() else None
        except ProjectError:
            continue  # it is no file of this project
        if found is not None:
            kept = {key: raw for key, raw in _dict(found).items() if key in OF_UV_TOML}
            return Value(kept, found.file, found.where)
    return None
