"""``requires-python`` of entries against the real installers: what a marker admits, they install.

The packages here say things about the Python that runs the tests, so that every Python tests its own boundary.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.index_server import IndexServer
from tests.test_installs import Venv
from tests.test_sources import Scene
from tests.world import DEFAULT, Dist, World

Start = Callable[..., IndexServer]

THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
NEXT = f"{sys.version_info.major}.{sys.version_info.minor + 1}"
EXACT = ".".join(map(str, sys.version_info[:3]))

WORLD = World(
    '[project]\nname = "unused"\n',
    {
        DEFAULT: {
            # The newest is for later Pythons: two entries, of which one is refused here, and not selected.
            "split": {"1.0": Dist(requires_python=">=3.8"), "2.0": Dist(requires_python=f">={NEXT}")},
            # Upper bounds and exclusions that admit this Python.
            "capped": {"1.0": Dist(requires_python=">=3.8,<4")},
            "patchy": {"1.0": Dist(requires_python=">=3.8,!=3.8.*,!=3.9.*,!=3.9.1")},
            "exactly": {"1.0": Dist(requires_python=f">={EXACT}")},
            # And those that do not.
            "past": {"1.0": Dist(requires_python=f">=3.8,<{THIS}")},
            "hole": {"1.0": Dist(requires_python=f">=3.8,!={EXACT}")},
        }
    },
)


@pytest.fixture
def scene(tmp_path: Path, index_server: Start) -> Scene:
    return Scene(tmp_path, index_server(WORLD))


def bounds(scene: Scene) -> dict[tuple[str, str], str | None]:
    """What each entry of the lock requires of the Python."""
    packages = tomllib.loads((scene.project / "pylock.toml").read_text("utf-8"))["packages"]
    return {(entry["name"], entry["version"]): entry.get("requires-python") for entry in packages}


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_what_the_marker_admits_installs(scene: Scene, tmp_path: Path, installer: str) -> None:
    needs = [
        "split>=2; python_version >= '" + NEXT + "'",
        "split<2; python_version < '" + NEXT + "'",
        "capped",
        "patchy",
    ]
    scene.write(str([*needs, f"exactly; python_full_version >= '{EXACT}'"]))
    scene.run()
    found = bounds(scene)
    assert found["split", "1.0"] == ">=3.8" and found["split", "2.0"] == f">={NEXT}"
    assert found["capped", "1.0"] == ">=3.8", "an upper bound was a guess, and would stop whole installations"
    assert found["patchy", "1.0"] == "!=3.8.*,!=3.9.*,>=3.8"
    venv = Venv(tmp_path, installer)
    venv.install(scene.project / "pylock.toml")
    assert venv.installed() == {"split": "1.0", "capped": "1.0", "patchy": "1.0", "exactly": "1.0"}


@pytest.mark.parametrize("name", ["past", "hole"])
def test_a_bound_that_the_lock_does_not_heed_stops_pip_alone(scene: Scene, tmp_path: Path, name: str) -> None:
    """pip reads it again in the file; ``--ignore-requires-python`` makes it install. uv installs what is locked."""
    scene.write(str([name, "capped"]))
    scene.run()
    assert bounds(scene)[name, "1.0"] == ">=3.8"
    for installer in ("uv", "pip"):
        folder = tmp_path / installer
        folder.mkdir()
        venv = Venv(folder, installer)
        if installer == "pip":
            with pytest.raises(AssertionError, match="requires a different Python"):
                venv.install(scene.project / "pylock.toml")
        venv.install(scene.project / "pylock.toml", more=["--ignore-requires-python"] if installer == "pip" else [])
        assert venv.installed() == {name: "1.0", "capped": "1.0"}


def test_the_bounds_as_the_packages_have_them_would_stop_both(scene: Scene, tmp_path: Path) -> None:
    """Why they are not in the lock: one such entry stops the whole installation."""
    scene.write('["past", "capped"]')
    scene.run()
    lockfile = scene.project / "pylock.toml"
    text = lockfile.read_text("utf-8").replace('requires-python = ">=3.8"', f'requires-python = ">=3.8,<{THIS}"')
    lockfile.write_text(text, encoding="utf-8")
    for installer in ("pip", "uv"):
        folder = tmp_path / installer
        folder.mkdir()
        venv = Venv(folder, installer)
        with pytest.raises(AssertionError):
            venv.install(lockfile)
        assert venv.installed() == {}
