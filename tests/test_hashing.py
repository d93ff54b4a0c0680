"""Files whose hash no index tells: left out where another file serves, else downloaded, hashed and remembered."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.index_server import IndexServer, Options, slug
from tests.test_flat import installed
from tests.test_sources import Scene, with_index
from tests.uvlock.test_real_uv import Uv
from tests.world import DEFAULT, Dist, World

Start = Callable[..., IndexServer]

OLD = "cp38-cp38-win_amd64"
THREADS = "cp314-cp314t-manylinux_2_17_x86_64"
LINUX = ("cp311-cp311-manylinux_2_17_x86_64", "cp312-cp312-manylinux_2_17_x86_64", "cp39-abi3-macosx_11_0_arm64")
WORLD = World(
    '[project]\nname = "unused"\n',
    {
        DEFAULT: {
            "bare": {"1.0": Dist(("leaf",)), "2.0": Dist(("leaf",), wheels=("py3-none-any", OLD), sdist=True)},
            "half": {"1.0": Dist(wheels=("py3-none-any",), sdist=True)},
            "part": {"1.0": Dist(wheels=(*LINUX, "cp312-cp312-win_amd64", "cp310-cp310-win_amd64", THREADS))},
            "leaf": {"1.0": Dist()},
        }
    },
)
BARE = Options(unhashed=r"^bare|^half.*gz|^part.*(cp312|cp314|win)")


@pytest.fixture
def scene(tmp_path: Path, index_server: Start) -> Scene:
    return Scene(tmp_path, index_server(WORLD, BARE))


def digest(scene: Scene, filename: str) -> str:
    return hashlib.sha256(scene.server.file(DEFAULT, filename)).hexdigest()


def files_of(entry: dict[str, Any]) -> dict[str, dict[str, str]]:
    listed = [*entry.get("wheels", ()), *([entry["sdist"]] if "sdist" in entry else [])]
    return {file["name"]: file["hashes"] for file in listed}


def test_what_nothing_else_serves_is_downloaded_and_hashed_and_remembered(scene: Scene) -> None:
    scene.write('["bare"]')
    found = scene.lock()
    wheel, sdist = "bare-2.0-py3-none-any.whl", "bare-2.0.tar.gz"
    assert files_of(found["bare"]) == {name: {"sha256": digest(scene, name)} for name in (wheel, sdist)}
    assert len(scene.server.paths(f"{wheel}$")) == 1
    assert scene.server.paths(OLD) == [], "it installs in no environment of the project"
    assert scene.server.paths("bare-1.0.*whl$") == [], "only what is locked is downloaded"
    (scene.project / "pylock.toml").unlink()
    assert scene.lock() == found
    assert len(scene.server.paths(f"{wheel}$")) == 1
    scene.run("--check", "--json")


def test_a_file_beside_one_with_a_hash_is_left_out_with_a_note(scene: Scene) -> None:
    scene.write('["half"]')
    said = scene.run().output
    assert "half-1.0.tar.gz is not in the lock" in said and "other files of half 1.0 have one" in said
    entry = tomllib.loads((scene.project / "pylock.toml").read_text("utf-8"))["packages"][0]
    assert files_of(entry) == {"half-1.0-py3-none-any.whl": {"sha256": digest(scene, "half-1.0-py3-none-any.whl")}}
    assert scene.server.paths("tar.gz$") == []
    scene.run("--output", str(scene.project / "uv.lock"))
    assert "tar.gz" not in (scene.project / "uv.lock").read_text("utf-8")


def test_wheels_beside_ones_with_a_hash_are_hashed_where_nothing_else_serves(scene: Scene) -> None:
    scene.write('["part"]')
    found = files_of(scene.lock()["part"])
    names = [f"part-1.0-{tags}.whl" for tags in (*LINUX, "cp312-cp312-win_amd64")]
    assert found == {name: {"sha256": digest(scene, name)} for name in names}
    assert scene.server.paths("part.*(cp311|abi3|cp310|cp314t).*whl$") == [], "these have a hash, or serve nobody"


def test_a_file_that_cannot_be_had_gives_way_to_another_version(scene: Scene) -> None:
    for name in ("bare-2.0-py3-none-any.whl", "bare-2.0.tar.gz"):
        scene.server.faults[f"/{slug(DEFAULT)}/files/{name}"] = 404
    scene.write('["bare"]')
    assert scene.lock()["bare"]["version"] == "1.0"
    scene.write('["bare==2.0"]')
    (scene.project / "pylock.toml").unlink()
    assert "its index tells no hash, and it is gone (HTTP status 404)" in scene.run(code=3).output


def test_offline_says_what_would_have_to_be_downloaded(scene: Scene) -> None:
    scene.write('["bare<2"]')
    scene.lock()
    scene.write('["bare"]')
    assert "offline" in scene.run("--offline", "--upgrade", code=3).output


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_both_install_what_was_hashed(scene: Scene, tmp_path: Path, installer: str) -> None:
    scene.write('["bare", "half"]')
    scene.lock()
    due = {"bare": "2.0", "half": "1.0", "leaf": "1.0"}
    assert installed(scene.project / "pylock.toml", tmp_path / "there", installer) == due


@pytest.mark.slow
def test_uv_accepts_a_lock_with_what_was_hashed(scene: Scene) -> None:
    scene.write('["bare", "half"]')
    with_index(scene)
    scene.run("--output", str(scene.project / "uv.lock"))
    assert f'hash = "sha256:{digest(scene, "bare-2.0-py3-none-any.whl")}"' in (scene.project / "uv.lock").read_text()
    uv = Uv(scene.project)
    uv.accepts()
    assert uv.installs() == {"bare": "2.0", "half": "1.0", "leaf": "1.0"}
