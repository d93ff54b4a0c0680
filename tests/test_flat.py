"""Flat indexes: folders of files and pages of links, locked, checked, and installed from by uv and pip."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from satlock.cli.commands import satlock
from tests import standins
from tests.index_server import IndexServer
from tests.test_installs import Venv
from tests.test_sources import Scene, with_index
from tests.uvlock.test_real_uv import Uv
from tests.world import DEFAULT, Dist, World

Start = Callable[..., IndexServer]

WORLD = World(
    '[project]\nname = "unused"\n',
    {DEFAULT: {"app-core": {"1.0": Dist(("leaf",))}, "leaf": {"1.0": Dist(), "2.0": Dist()}}},
)


@pytest.fixture
def scene(tmp_path: Path, index_server: Start) -> Scene:
    return Scene(tmp_path, index_server(WORLD))


def put(folder: Path, name: str, version: str, *requires: str, sdist: bool = False) -> Path:
    """A file in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if sdist:
        path = folder / f"{name}-{version}.tar.gz"
        path.write_bytes(standins.sdist(folder.name, name, version, Dist(requires)))
    else:
        path = folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        path.write_bytes(standins.wheel(folder.name, name, version, Dist(requires), "py3-none-any"))
    return path


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address under which it is served."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def links(page: Path, *files: Path, hashed: bool = True) -> None:
    """A page of links to files beside it."""
    said = []
    for file in files:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        address = f"files/{file.name}" + (f"#sha256={digest}" if hashed else "")
        said.append(f'<a href="{address}">{file.name}</a> <a href="elsewhere.txt">no file</a>')
    page.write_text(f"<html><body>{''.join(said)}</body></html>", encoding="utf-8")


def installed(lockfile: Path, folder: Path, installer: str) -> dict[str, str]:
    folder.mkdir()
    venv = Venv(folder, installer)
    venv.install(lockfile)
    return venv.installed()


def test_find_links_stand_beside_the_index(scene: Scene, tmp_path: Path) -> None:
    put(tmp_path / "wheels", "leaf", "3.0", "twig")
    put(tmp_path / "wheels", "twig", "0.1", sdist=True)
    put(tmp_path / "wheels", "leaf", "1.0")
    scene.write('["app-core"]', '[tool.uv]\nfind-links = ["../wheels"]\n')
    found = scene.lock()
    assert {name: entry["version"] for name, entry in found.items()} == {
        "app-core": "1.0", "leaf": "3.0", "twig": "0.1",
    }  # fmt: skip
    (wheel,) = found["leaf"]["wheels"]
    assert wheel["path"] == "../wheels/leaf-3.0-py3-none-any.whl" and "index" not in found["leaf"]
    assert found["twig"]["sdist"]["path"] == "../wheels/twig-0.1.tar.gz"
    data = (tmp_path / "wheels" / "leaf-3.0-py3-none-any.whl").read_bytes()
    assert wheel["hashes"] == {"sha256": hashlib.sha256(data).hexdigest()} and wheel["size"] == len(data)


def test_where_both_have_a_version_the_folder_serves_it(scene: Scene, tmp_path: Path) -> None:
    put(tmp_path / "wheels", "leaf", "1.0")
    scene.write('["leaf<2"]', '[tool.uv]\nfind-links = ["../wheels"]\n')
    assert scene.lock()["leaf"]["wheels"][0]["path"] == "../wheels/leaf-1.0-py3-none-any.whl"
    scene.run("--check", "--no-cache")


@pytest.mark.parametrize("setting", ['find-links = ["../wheels"]', 'index = [{url = "../wheels", format = "flat"}]'])
def test_files_of_a_folder_are_not_cut_by_a_date(scene: Scene, tmp_path: Path, setting: str) -> None:
    """They have no upload time that means anything: what counts is that they lie there."""
    put(tmp_path / "wheels", "leaf", "3.0")
    scene.write('["leaf"]', f'[tool.uv]\n{setting}\nexclude-newer = "2000-01-01"\n')
    assert scene.lock()["leaf"]["version"] == "3.0"


def test_a_pin_does_not_look_beside_its_index(scene: Scene, tmp_path: Path) -> None:
    put(tmp_path / "wheels", "leaf", "3.0")
    scene.write('["leaf"]', '[tool.uv]\nfind-links = ["../wheels"]\n[tool.uv.sources]\nleaf = {index = "main"}\n')
    with_index(scene)
    assert scene.lock()["leaf"]["version"] == "2.0"


def test_a_flat_index_is_asked_in_its_turn(scene: Scene, tmp_path: Path) -> None:
    """The first index that knows a package serves it, also where that one is flat and older."""
    put(tmp_path / "wheels", "leaf", "0.5")
    scene.write('["app-core"]', '[[tool.uv.index]]\nname = "wheels"\nurl = "../wheels"\nformat = "flat"\n')
    assert scene.lock()["leaf"]["version"] == "0.5"


def test_a_changed_file_makes_the_lock_out_of_date(scene: Scene, tmp_path: Path) -> None:
    put(tmp_path / "wheels", "leaf", "3.0")
    scene.write('["leaf"]', '[tool.uv]\nfind-links = ["../wheels"]\n')
    for output in ("pylock.toml", "uv.lock"):
        put(tmp_path / "wheels", "leaf", "3.0")
        scene.run("--output", str(scene.project / output))
        scene.run("--output", str(scene.project / output), "--check")
        put(tmp_path / "wheels", "leaf", "3.0", "app-core")
        said = scene.run("--output", str(scene.project / output), "--check", code=1).output
        assert "hash for leaf-3.0-py3-none-any.whl" in said


def test_a_missing_folder_is_named(scene: Scene) -> None:
    scene.write('["leaf"]', '[tool.uv]\nfind-links = ["../nowhere"]\n')
    said = scene.run(code=3).output
    assert "nowhere is neither a folder nor a page of links" in said


def test_a_page_of_links_is_read_once_and_kept(
    scene: Scene, served: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, base = served
    links(folder / "links.html", put(folder / "files", "leaf", "3.0"), put(folder / "files", "twig", "0.1"))
    scene.write('["leaf", "twig"]', f'[tool.uv]\nfind-links = ["{base}/links.html"]\n')
    found = scene.lock()
    assert found["leaf"]["wheels"][0]["url"] == f"{base}/files/leaf-3.0-py3-none-any.whl"
    assert found["leaf"]["index"] == f"{base}/links.html"
    (scene.project / "pylock.toml").unlink()
    assert scene.lock("--offline") == found


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_both_install_from_folders_and_pages(
    scene: Scene, served: tuple[Path, str], tmp_path: Path, installer: str
) -> None:
    folder, base = served
    links(folder / "links.html", put(folder / "files", "leaf", "3.0", "twig"))
    put(tmp_path / "wheels", "twig", "0.1", sdist=True)
    put(tmp_path / "wheels", "app-core", "2.0", "leaf")
    scene.write('["app-core"]', f'[tool.uv]\nfind-links = ["../wheels", "{base}/links.html"]\n')
    scene.lock()
    due = {"app-core": "2.0", "leaf": "3.0", "twig": "0.1"}
    found = installed(scene.project / "pylock.toml", tmp_path / "there", installer)
    assert {name.replace("_", "-"): version for name, version in found.items()} == due


@pytest.mark.slow
@pytest.mark.parametrize("spelled", ["relative", "absolute", "page"])
@pytest.mark.parametrize("pinned", [False, True], ids=["beside", "pinned"])
def test_uv_accepts_the_lock_and_installs_from_it(
    scene: Scene, served: tuple[Path, str], tmp_path: Path, spelled: str, pinned: bool
) -> None:
    folder, base = served
    files = [put(folder / "files", "leaf", "3.0", "twig"), put(folder / "files", "twig", "0.1", sdist=True)]
    links(folder / "links.html", *files)
    url = {"relative": "../served/files", "absolute": str(folder / "files"), "page": f"{base}/links.html"}[spelled]
    more = f'[tool.uv]\nfind-links = ["{url}"]\n'
    if pinned:
        more = f'[[tool.uv.index]]\nname = "files"\nurl = "{url}"\nformat = "flat"\nexplicit = true\n'
        more += '[tool.uv.sources]\nleaf = {index = "files"}\ntwig = {index = "files"}\n'
    scene.write('["app-core", "leaf>2", "twig"]', more)
    with_index(scene)
    lockfile = scene.project / "uv.lock"
    scene.run("--output", str(lockfile))
    uv = Uv(scene.project)
    uv.accepts()
    assert uv.installs() == {"app-core": "1.0", "leaf": "3.0", "twig": "0.1"}
    scene.run("--output", str(lockfile), "--check", "--no-cache")
    proven = CliRunner().invoke(satlock, ["prove", str(lockfile)])
    assert proven.exit_code == 0, proven.output
    if pinned:
        pins = CliRunner().invoke(satlock, ["prove", str(lockfile), "--index-pins"])
        assert pins.exit_code == 0, pins.output


def locked(scene: Scene, text: str, code: int = 0) -> Result:
    """A requirements file, locked."""
    scene.project.mkdir(exist_ok=True)
    path = scene.project / "requirements.in"
    path.write_text(text, encoding="utf-8")
    arguments = ["lock", str(path), "--cache-dir", str(scene.folder / "cache"), "--requires-python", ">=3.11"]
    done = CliRunner().invoke(satlock, arguments)
    assert done.exit_code == code, done.output
    return done


def test_requirements_files_have_find_links(scene: Scene, tmp_path: Path) -> None:
    wheel = put(tmp_path / "wheels", "leaf", "3.0")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lockfile = scene.project / "pylock.toml"
    locked(scene, f"-f ../wheels\n--index-url {scene.server.url(DEFAULT)}\nleaf --hash=sha256:{digest}\n")
    assert 'path = "../wheels/leaf-3.0-py3-none-any.whl"' in lockfile.read_text("utf-8")
    lockfile.unlink()
    put(tmp_path / "wheels", "app-core", "0.9", "leaf")
    locked(scene, "--no-index\n--find-links ../wheels\napp-core\n")
    assert scene.server.paths("app-core") == []
    assert installed(lockfile, tmp_path / "there", "pip") == {"app-core": "0.9", "leaf": "3.0"}
    lockfile.unlink()
    assert "no line has --find-links" in locked(scene, "--no-index\nleaf\n", code=2).output
