"""Random worlds whose environments need different locks: what is new asks for a newer Python, has wheels for some
platforms only, conflicts with what an extra asks for, or forgot a bound that later releases state. And worlds with
families of many releases, each of which asks for its match in another one."""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.world import DEFAULT, Dist, World

__all__ = ["renamed", "settled", "world_apart", "world_of_builds", "world_of_escapes", "world_of_families"]

START = datetime(2023, 1, 1, tzinfo=UTC)
NAMES = ("a", "b", "c", "d", "e")
VERSIONS = ("1.0", "2.0", "3.0", "4.0")
MARKERS = (
    "sys_platform == 'linux'", "sys_platform == 'win32'", "sys_platform != 'win32'", "python_version < '3.12'",
    "python_version >= '3.12'", "python_version >= '3.13'", "platform_machine == 'aarch64'",
)  # fmt: skip
BUILDS = (
    (("manylinux_2_28_x86_64", "win_amd64"), ("win_amd64", "macosx_11_0_arm64")),
    (("manylinux_2_28_x86_64", "win_amd64"), ("macosx_11_0_arm64",)),
    (("manylinux_2_28_x86_64",), ("any",)),
    (("any",), ("manylinux_2_28_x86_64", "win_amd64")),
    (("win_amd64",), ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64")),
)
"""Platforms of a build with a label, and of the plain one beside it."""
PYTHONS = (">=3.11", ">=3.12", ">=3.13")
WHEELS = (
    ("cp311-cp311-manylinux_2_28_x86_64", "cp312-cp312-manylinux_2_28_x86_64", "cp313-cp313-win_amd64"),
    ("py3-none-manylinux_2_28_x86_64", "py3-none-win_amd64"),
    ("py3-none-macosx_11_0_arm64", "py3-none-manylinux_2_28_x86_64"),
    ("cp312-abi3-manylinux_2_28_x86_64", "cp312-abi3-win_amd64", "cp312-abi3-macosx_11_0_arm64"),
)


def world_apart(seed: int) -> World:
    """The world of a seed."""
    dice = random.Random(f"apart {seed}")
    names = NAMES[: dice.randint(2, 5)]
    packages = {name: _package(dice, name, names) for name in names}
    lines = ["[project]", 'name = "proj"', 'version = "1"', 'requires-python = ">=3.11,<3.15"']
    lines.append(f"dependencies = {_asked(dice, names, dice.randint(1, 2))}")
    extras = ["x", "y", "z"][: dice.choice((0, 0, 2, 2, 3))]
    if extras:
        lines.append("[project.optional-dependencies]")
        lines += [f"{extra} = {_asked(dice, names, dice.randint(1, 2))}" for extra in extras]
        conflict = ", ".join(f'{{ extra = "{extra}" }}' for extra in extras[:2])
        lines += ["[tool.uv]", f"conflicts = [[{conflict}]]"] if dice.random() < 0.8 else []
    return World("\n".join(lines) + "\n", {DEFAULT: packages})


def _package(dice: random.Random, name: str, names: tuple[str, ...]) -> dict[str, Dist]:
    versions = VERSIONS[: dice.randint(2, 4)]
    style = dice.choice(("any", "any", "python", "wheels", "forgetful", "equal"))
    day, found = 0, {}
    targets = [other for other in names if other != name and dice.random() < 0.4]
    for place, version in enumerate(versions):
        day += 0 if style == "equal" else dice.choice((0, 1, 30, 200))
        requires = []
        for target in targets:
            bound = _bound(dice) if style != "forgetful" or place else ""
            marker = f" ; {dice.choice(MARKERS)}" if dice.random() < 0.2 else ""
            if dice.random() < 0.8:
                requires.append(f"{target}{bound}{marker}")
        known = style != "equal" or dice.random() < 0.5
        found[version] = Dist(
            tuple(requires),
            requires_python=PYTHONS[min(place, 2)] if style == "python" and dice.random() < 0.8 else None,
            wheels=dice.choice(WHEELS) if style == "wheels" and dice.random() < 0.7 else ("py3-none-any",),
            upload_time=(START + timedelta(days=day)).isoformat() if known else None,
        )
    return found


def world_of_builds(seed: int) -> World:
    """A world apart, of which some versions have two builds that share the platforms, and some choices are groups.

    Versions that have builds differ in days: each build counts for ticks.
    """
    dice, drawn = random.Random(f"builds {seed}"), world_apart(seed)
    packages = {name: dict(versions) for name, versions in drawn.indexes[DEFAULT].items()}
    for name in [name for name in packages if dice.random() < 0.6]:
        day, others = 0, [other for other in packages if other != name]
        for version, dist in list(packages[name].items()):
            day += dice.choice((1, 30, 200))
            dated = replace(dist, upload_time=(START + timedelta(days=day)).isoformat())
            packages[name][version] = dated
            if dice.random() < 0.5:
                label, plain = (tuple(f"py3-none-{tag}" for tag in part) for part in dice.choice(BUILDS))
                more = [f"{dice.choice(others)}{_bound(dice)}"] if dice.random() < 0.3 else dist.requires_dist[:1]
                packages[name][version] = replace(dated, wheels=plain)
                requires = (*more, *dist.requires_dist[1:])
                packages[name][f"{version}+cpu"] = replace(dated, requires_dist=requires, wheels=label)
    extras = tomllib.loads(drawn.pyproject)["project"].get("optional-dependencies", {})
    groups = {extra for extra in extras if dice.random() < 0.5}
    built = replace(drawn, indexes={DEFAULT: packages})
    return renamed(built, {name: name for name in packages}, {extra: extra for extra in extras}, groups)


def world_of_escapes(seed: int) -> World:
    """A library that learns to bound a dependency, below callers each of whose releases asks for the same of it."""
    dice = random.Random(f"escapes {seed}")
    day, release = 0, {}

    def dist(*requires: str) -> Dist:
        nonlocal day
        day += dice.choice((1, 30, 200))
        return Dist(requires, upload_time=(START + timedelta(days=day)).isoformat())

    callers = ("a", "b")[: dice.randint(1, 2)]
    for name in callers:
        steady = f"lib{dice.choice(('', '<2', '<3', '<3', '<4', '>=2', '!=2.0'))}"
        other = dice.choice(("", "num", "num>=2.0", f"peer{_bound(dice)}"))
        also = [other] if other and dice.random() < 0.5 else []
        release[name] = {
            version: dist(steady if dice.random() < 0.85 else f"lib{_bound(dice)}", *also)
            for version in VERSIONS[: dice.randint(2, 4)]
        }
    learns = dice.randint(1, 3)
    series = dice.random() < 0.3
    bounds = ["num"] * learns + [dice.choice(("num<2.0", "num<=2.0", "num>=2.0,<4.0", "num>=2.0"))] * (4 - learns)
    if series:
        bounds[0] = dice.choice(("num>=2.0", "num>=3.0", "num"))
    release["lib"] = {version: dist(bound) for version, bound in zip(VERSIONS, bounds, strict=True)}
    if series:  # a late release of an old series
        release["lib"]["1.0"] = dist(bounds[0])
    release["num"] = {version: dist() for version in VERSIONS}
    release["peer"] = {version: dist(*[f"num{_bound(dice)}"][: dice.randint(0, 1)]) for version in VERSIONS}
    asked = [*callers, *dice.choice(((), ("num",), ("num>=2.0",), ("peer",), ("lib<4",), ("peer", "lib<3")))]
    asked = [f"{name}{_bound(dice)}" if name in callers and dice.random() < 0.2 else name for name in asked]
    lines = ["[project]", 'name = "proj"', 'version = "1"', 'requires-python = ">=3.12,<3.13"']
    return World("\n".join([*lines, f"dependencies = {json.dumps(asked)}"]) + "\n", {DEFAULT: release})


def world_of_families(seed: int) -> World:
    """Families of many releases in lockstep, a few days apart, of which most rule out what is new of a library that has
    few releases, hundreds of days apart. So what is new of the one has to be weighed against many steps of the others.
    """
    dice = random.Random(f"families {seed}")
    release: dict[str, dict[str, Dist]] = {}
    tall = dice.randint(6, 12)
    kin = ("front", "core", "wire")[: dice.choice((2, 2, 3))]
    parting = sorted(dice.sample(range(1, tall), 2))
    for place, name in enumerate(kin):
        day, release[name] = dice.randint(0, 60), {}
        for number in range(1, tall + 1):
            day += dice.choice((0, 1, 1, 2, 5, 40))
            requires = []
            if name != kin[-1]:
                loose = dice.choice(
                    (f">={number}", f">={number},<{tall + 1}", f">={number},<{number + 3}", f"=={number}")
                )
                requires.append(f"{kin[place + 1]}{loose}")
            if name != "front" or dice.random() < 0.3:
                period = sum(number > one for one in parting)
                bound = (dice.choice(("", "<2", "<3")), "<3", dice.choice(("<3", "<3", "<4", "")))[period]
                marker = f" ; {dice.choice(MARKERS)}" if dice.random() < 0.05 else ""
                requires.append(f"lib{bound}{marker}")
            python = ">=3.12" if dice.random() < 0.1 else None
            moment = (START + timedelta(days=day)).isoformat()
            release[name][f"{number}"] = Dist(tuple(requires), requires_python=python, upload_time=moment)
    for name in ("lib", "tool"):
        day, release[name] = 0, {}
        for number in range(1, 5):
            day += dice.choice((1, 10, 30, 100, 400))
            requires = [f"lib{_bound(dice)}"] if name == "tool" and dice.random() < 0.5 else []
            release[name][f"{number}.0"] = Dist(tuple(requires), upload_time=(START + timedelta(days=day)).isoformat())
    asked = dice.choice((["front", "lib"], ["front", "tool"], ["front"], ["front", "tool", "lib"], ["core", "tool"]))
    lines = ["[project]", 'name = "proj"', 'version = "1"', 'requires-python = ">=3.11,<3.14"']
    lines.append(f"dependencies = {json.dumps(asked)}")
    if dice.random() < 0.4:
        lines += ["[project.optional-dependencies]", f'x = ["lib{_bound(dice)}"]', f'y = ["core>={tall // 2}"]']
        lines += ["[tool.uv]", 'conflicts = [[{ extra = "x" }, { extra = "y" }]]']
    return World("\n".join(lines) + "\n", {DEFAULT: release})


def _bound(dice: random.Random) -> str:
    version = dice.choice(VERSIONS)
    return dice.choice(("", f">={version}", f"<{version}", f"<={version}", f"=={version}", f"!={version}"))


def _asked(dice: random.Random, names: tuple[str, ...], count: int) -> str:
    asked = []
    for name in dice.sample(names, min(count, len(names))):
        bound = _bound(dice) if dice.random() < 0.6 else ""
        marker = f" ; {dice.choice(MARKERS)}" if dice.random() < 0.3 else ""
        asked.append(f"{name}{bound}{marker}")
    return json.dumps(asked)


def renamed(drawn: World, packages: Mapping[str, str], choices: Mapping[str, str], groups: Collection[str]) -> World:
    """A world apart with other names for its packages and extras, of which some are groups."""

    def asked(texts: Iterable[str]) -> list[str]:
        return [packages[text[0]] + text[1:] for text in texts]

    document = tomllib.loads(drawn.pyproject)
    project = document["project"]
    lines = [
        "[project]",
        'name = "proj"',
        'version = "1"',
        f"requires-python = {json.dumps(project['requires-python'])}",
    ]
    lines.append(f"dependencies = {json.dumps(asked(project['dependencies']))}")
    listed = project.get("optional-dependencies", {})
    for table, here in (("project.optional-dependencies", listed.keys() - groups), ("dependency-groups", groups)):
        lines += [f"[{table}]", *(f"{choices[x]} = {json.dumps(asked(listed[x]))}" for x in listed if x in here)]
    for members in document.get("tool", {}).get("uv", {}).get("conflicts", []):
        kinds = [("group" if one["extra"] in groups else "extra", choices[one["extra"]]) for one in members]
        told = ", ".join(f'{{ {kind} = "{name}" }}' for kind, name in kinds)
        lines += ["[tool.uv]", f"conflicts = [[{told}]]"]
    indexes = {
        index: {
            packages[name]: {
                version: replace(dist, requires_dist=tuple(asked(dist.requires_dist)))
                for version, dist in versions.items()
            }
            for name, versions in listing.items()
        }
        for index, listing in drawn.indexes.items()
    }
    return World("\n".join(lines) + "\n", indexes)


def settled(drawn: World) -> World:
    """A world without what is held back (pre-releases, yanks, builds), and without builds of one version."""
    document = tomllib.loads(drawn.pyproject)
    kept = {
        index: {
            name: {
                version: replace(dist, yanked=None, needs_build=False, hint=None, broken=None, per_wheel=())
                for version, dist in versions.items()
                if "b" not in version and "+" not in version and (dist.wheels or dist.sdist)
            }
            for name, versions in packages.items()
        }
        for index, packages in drawn.indexes.items()
    }
    assert document
    return replace(drawn, indexes=kept)
