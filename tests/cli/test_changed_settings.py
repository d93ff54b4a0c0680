"""A lock that was chosen in another way than is asked for now is no answer; one that was chosen so stays as it is."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.scene import Scene, pyproject, scene_of, world_of
from tests.world import Dist

START = datetime(2024, 1, 1, tzinfo=UTC)


def on(day: int, *requires: str, python: str | None = None) -> Dist:
    return Dist(requires, python, upload_time=(START + timedelta(days=day)).isoformat())


PACKAGES: Mapping[str, Mapping[str, Dist]] = {
    "a": {"1": on(0), "2": on(10), "3": on(20, python=">=3.12"), "4a1": on(30)},
    "b": {"1": on(0, "a"), "2": on(5, "a<3"), "3": on(400, "a<2")},
    "only": {"1a1": on(1), "2a1": on(2)},
}
SETTINGS = {
    "resolution": ("lowest", "lowest-direct"),
    "fork-strategy": ("fewest",),
    "prerelease": ("allow",),
    "objective": ("newest-first", "lowest"),
}
CHANGES = [(setting, value) for setting, values in SETTINGS.items() for value in values]


def entries(scene: Scene, lockfile: str) -> set[tuple[str, str]]:
    read = tomllib.loads((scene.project / lockfile).read_text())
    packages = read.get("packages", read.get("package", []))
    return {(one["name"], one["version"]) for one in packages if one["name"] != "proj"}


def settled(scene: Scene, lockfile: str, *options: str) -> bool:
    """Whether locking again changes no byte, and the lock counts as valid."""
    before = (scene.project / lockfile).read_bytes()
    again = scene.lock("--output", str(scene.project / lockfile), *options)
    check = scene.lock("--output", str(scene.project / lockfile), *options, "--check")
    return (again.exit_code, check.exit_code, (scene.project / lockfile).read_bytes()) == (0, 0, before)


@pytest.mark.parametrize("lockfile", ["pylock.toml", "uv.lock"])
@pytest.mark.parametrize(("setting", "value"), CHANGES)
def test_a_change_of_what_is_chosen_makes_the_lock_anew(
    tmp_path: Path, lockfile: str, setting: str, value: str
) -> None:
    table = "satlock" if setting == "objective" else "uv"
    asked = [(), (f"--{setting}", value)] if table == "satlock" else [(), ()]
    more = ["", f'[tool.uv]\n{setting} = "{value}"\n' if table == "uv" else ""]
    fresh = []
    for place in (0, 1):
        scene = scene_of(world_of(PACKAGES, pyproject("b", "a", more=more[place])), tmp_path / f"fresh{place}")
        assert scene.lock("--output", str(scene.project / lockfile), *asked[place]).exit_code == 0
        assert settled(scene, lockfile, *asked[place])
        fresh.append(entries(scene, lockfile))
    scene = scene_of(world_of(PACKAGES, pyproject("b", "a")), tmp_path / "changed")
    scene.lock("--output", str(scene.project / lockfile))
    for place in (1, 0) if (setting, value) != ("objective", "newest-first") else (1,):
        scene.rewrite(pyproject("b", "a", more=more[place]))
        check = scene.lock("--output", str(scene.project / lockfile), *asked[place], "--check")
        assert check.exit_code == 1 and "is out of date: it was made with" in check.stderr, check.stderr
        changed = scene.lock("--output", str(scene.project / lockfile), *asked[place])
        assert "is made anew: it was made with" in changed.stderr
        if setting != "prerelease":  # There its versions are a good place to begin at.
            assert entries(scene, lockfile) == fresh[place]
        assert settled(scene, lockfile, *asked[place])


@pytest.mark.parametrize("mode", ["disallow", "explicit"])
def test_a_pre_release_that_is_refused_now_is_not_kept_to(tmp_path: Path, mode: str) -> None:
    now = f'[tool.uv]\nprerelease = "{mode}"\n'
    scene = scene_of(world_of(PACKAGES, pyproject("a>=3", more='[tool.uv]\nprerelease = "allow"\n')), tmp_path)
    scene.lock()
    assert scene.entries() == [("a", "4a1")]
    scene.rewrite(pyproject("a", more=now))
    assert scene.lock().exit_code == 0 and ("a", "4a1") not in scene.entries()
    scene.rewrite(pyproject("only"))
    scene.lock()
    scene.rewrite(pyproject("only", more=now))
    assert scene.lock().exit_code == 1 and scene.entries() == [("only", "2a1")]
    scene.rewrite(pyproject("only<2", more='[tool.uv]\nprerelease = "if-necessary"\n'))
    scene.lock()
    scene.rewrite(pyproject("only", more='[tool.uv]\nprerelease = "if-necessary"\n'))
    assert scene.lock().exit_code == 0 and scene.entries() == [("only", "1a1")], (
        "kept: it serves where nothing else does"
    )
