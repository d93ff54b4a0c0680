"""Random locks of the formats in which each entry decides for itself, with their truth by enumeration."""

from __future__ import annotations

import itertools
import random
from typing import Any

from tests.prove.random_locks import Marker, holds, negated, random_marker, told_apart, written

EXTRAS, GROUPS = ("a", "b"), ("g", "h")
Deciding = list[tuple[str, str, tuple[str, ...], Marker | None]]
"""Name, version, groups and marker of each entry."""


def random_deciding(chance: random.Random, choices: list[Any], groups: tuple[str, ...]) -> Deciding:
    found: Deciding = []
    wrongs = chance.choice((0.0, 0.0, 0.1, 0.4))
    for i in range(chance.randint(2, 5)):
        count = chance.choice((1, 2, 2, 3))
        split = [random_marker(chance, choices, 2) for _ in range(count)]
        for place in range(count):
            own = () if place == count - 1 and chance.random() < 0.7 else (split[place],)
            marker: Marker | None = ("and", *(negated(before) for before in split[:place]), *own)
            if marker == ("and",):
                marker = None
            if chance.random() < wrongs:
                marker = chance.choice((None, random_marker(chance, choices, 1), split[place]))
            mine = tuple(chance.sample(groups, chance.randint(1, len(groups)))) if groups else ()
            found.append((f"p{i}", f"{place}.0", mine, marker))
    return found


def truth(lock: Deciding, choices: tuple[Any, ...], conflicts: list[set[Any]]) -> set[str]:
    """The names of which some environment installs two entries; groups of an entry are choices as well."""
    twice: set[str] = set()
    environments = told_apart(marker for *_, marker in lock)
    sets = [set(c) for n in range(len(choices) + 1) for c in itertools.combinations(choices, n)]
    for on in sets:
        if any(len(on & members) > 1 for members in conflicts):
            continue
        for environment in environments:
            names = [
                name
                for name, _, groups, marker in lock
                if (not groups or on.intersection(("group", group) for group in groups))
                and holds(marker, environment, on.__contains__)
            ]
            twice.update(name for name in names if names.count(name) > 1)
    return twice


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def pylock_text(lock: Deciding) -> str:
    def spell(item: tuple[str, str], on: bool) -> str:
        variable = "extras" if item[0] == "extra" else "dependency_groups"
        return f"'{item[1]}' {'in' if on else 'not in'} {variable}"

    lines = ['lock-version = "1.0"', 'created-by = "a test"', 'requires-python = ">=3.9"',
             'extras = ["a", "b"]', 'dependency-groups = ["g", "h"]', "packages = []" if not lock else ""]  # fmt: skip
    for name, version, _, marker in lock:
        lines += ["[[packages]]", f'name = "{name}"', f'version = "{version}"']
        lines += [f'marker = "{written(marker, spell)}"'] if marker else []
        wheel = f"{name}-{version}-py3-none-any.whl"
        lines.append(f'wheels = [{{ url = "https://files.example/{wheel}", hashes = {{ sha256 = "{"0" * 64}" }} }}]')
    return _text(lines)


def poetry_text(lock: Deciding) -> str:
    def spell(item: tuple[str, str], on: bool) -> str:
        return f'extra {"==" if on else "!="} "{item[1]}"'

    lines = []
    for name, version, groups, marker in lock:
        lines += ["[[package]]", f'name = "{name}"', f'version = "{version}"', "optional = false"]
        lines += [f"groups = {list(groups)!r}".replace("'", '"'), "files = []"]
        if marker:
            shown = written(marker, spell).replace('"', "'")
            lines.append(f'markers = "{shown}"')
    lines += ["[extras]", 'a = ["p0"]', 'b = ["p1"]', "[metadata]", 'lock-version = "2.1"',
              'python-versions = ">=3.9"', 'content-hash = "0"']  # fmt: skip
    return _text(lines)


def pdm_text(lock: Deciding) -> str:
    lines = ["[metadata]", 'groups = ["default", "g", "h"]', 'strategy = ["inherit_metadata"]',
             'lock_version = "4.5.0"', 'content_hash = "sha256:0"', "[[metadata.targets]]",
             'requires_python = ">=3.9"']  # fmt: skip
    for name, version, groups, marker in lock:
        lines += ["[[package]]", f'name = "{name}"', f'version = "{version}"']
        lines += [f"groups = {list(groups)!r}".replace("'", '"')]
        lines += [f'marker = "{written(marker, str)}"'] if marker else []
    return _text(lines)
