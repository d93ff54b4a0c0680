"""Kinds of projects that uv locks: satlock locks each, and the real uv takes the lock for its own and installs it."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from satlock.cli.building import building_for
from satlock.cli.commands import satlock
from satlock.corpora.index.access import Access
from satlock.encoder.project.layers import NOTHING_AROUND
from satlock.encoder.project.reading import read_project
from tests.index_server import IndexServer, Options
from tests.source_trees import repository, tree
from tests.uvlock.test_real_uv import Uv
from tests.world import DEFAULT, Dist, World

needs_uv = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")

SECOND = "https://second.index.example/simple"
WORLD = World(
    '[project]\nname = "unused"\n',
    {
        DEFAULT: {"leaf": {"1.0": Dist(), "2.0": Dist()}, "twig": {"1.0": Dist(("leaf<2",))}},
        SECOND: {"branch": {"1.0": Dist(), "1.1": Dist()}},
    },
)


LOGIN = {SECOND: Options(login="public:heron")}


class Scene:
    """A project in ``own``, with the one index that both tools ask."""

    def __init__(self, folder: Path, server: IndexServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.server, self._cache = folder / "own", server, folder / "cache"
        self.folder.mkdir()
        self.uv = Uv(self.folder)
        self.uv.environment["UV_DEFAULT_INDEX"] = server.url(DEFAULT)
        for name in ("UV_PYTHON", "UV_DEFAULT_INDEX"):
            monkeypatch.setenv(name, self.uv.environment[name])

    def project(self, text: str, name: str = "own") -> None:
        folder = self.folder.parent / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pyproject.toml").write_text(text, encoding="utf-8")

    def run(self, *arguments: str, code: int = 0) -> Result:
        return self.run_without_cache(*arguments, "--cache-dir", str(self._cache), code=code)

    def run_without_cache(self, *arguments: str, code: int = 0) -> Result:
        """Of a command that keeps nothing."""
        done = CliRunner().invoke(satlock, [*arguments])
        assert done.exit_code == code, (done.output, done.exception)
        return done

    def lock(self, *more: str, code: int = 0) -> Result:
        return self.run("lock", "--project", str(self.folder), "--format", "uv", *more, code=code)

    def agrees(self, *arguments: str) -> dict[str, str]:
        """What uv installs from satlock's lock, which it accepts and leaves alone."""
        self.lock()
        self.uv.accepts()
        self.lock("--check")
        proven = CliRunner().invoke(satlock, ["prove", str(self.folder / "uv.lock")])
        assert proven.exit_code == 0, proven.output
        return self.uv.installs(*arguments)


@pytest.fixture
def scene(tmp_path: Path, index_server: object, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, index_server(WORLD, per_index=LOGIN), monkeypatch)  # type: ignore[operator]


def text_of(requires: str, more: str = "", name: str = "own") -> str:
    return f'[project]\nname = "{name}"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = {requires}\n{more}'


@needs_uv
def test_what_a_build_tells_of_the_project(scene: Scene) -> None:
    tree(scene.folder, "own", "1.0", ["twig"], extras={"more": ["leaf"]}, dynamic=True)
    assert scene.agrees("--extra", "more", "--no-install-project") == {"twig": "1.0", "leaf": "1.0"}
    metadata = scene.folder / "METADATA"
    metadata.write_text(metadata.read_text().replace("twig", "leaf"))
    assert "out of date" in scene.lock("--check", code=1).output
    scene.uv.environment["UV_CACHE_DIR"] += "-anew"  # uv looks at pyproject.toml alone before it builds again
    assert scene.agrees("--no-install-project") == {"leaf": "1.0"}
    assert scene.lock("--no-build", "--check").exit_code == 0  # which is about what others made


@needs_uv
@pytest.mark.parametrize(
    "text", ["", "[tool.black]\n", "[projects]\nname = 'own'\n", "[build-system]\nrequires = []\n"]
)
def test_a_file_that_asks_for_nothing(scene: Scene, text: str) -> None:
    scene.project(text)
    assert scene.agrees() == {}
    told = scene.lock("--upgrade").output
    assert "neither a [project] nor a [dependency-groups] table, so there is nothing to lock" in " ".join(told.split())
    assert ("did you mean project" in told) == ("projects" in text)


UNREADABLE = (
    "compile-bytecode = 'yes'",
    "concurrent-builds = true",
    "link-mode = 3",
    "cache-dir = 3",
    "no-proxy = 'a'",
)
CUT = "exclude-newer = '2024-01-01T00:00:00Z'\n"


@needs_uv
@pytest.mark.parametrize("setting", UNREADABLE)
def test_a_setting_without_bearing_for_which_uv_passes_over_others(scene: Scene, setting: str) -> None:
    key = setting.split(maxsplit=1)[0]
    scene.project(text_of('["leaf"]', f"[tool.uv]\n{setting}\nconstraint-dependencies = ['leaf<2']\n"))
    assert scene.agrees() == {"leaf": "1.0"}  # a constraint is read all the same
    scene.project(text_of('["leaf"]', f"[tool.uv]\n{setting}\n{CUT}"))
    told = " ".join(scene.lock(code=2).output.split())
    assert f"tool.uv.{key}" in told and "uv passes over tool.uv.exclude-newer for it" in told
    by_uv = scene.uv.run("lock")
    assert "Failed to parse" in by_uv.stderr and "exclude-newer" not in (scene.folder / "uv.lock").read_text()


BUILT = {
    "path = '../other'": False,
    "path = '../other', editable = true": False,
    "path = '../other.tar.gz'": False,
    "git = 'REPOSITORY'": False,
    "workspace = true": True,
}
"""Sources that only a build can tell the requirements of, and whether uv builds them with ``--no-build``."""


@needs_uv
@pytest.mark.parametrize("source", BUILT)
@pytest.mark.parametrize("option", [("--no-build",), ("--no-build-package", "other")])
def test_no_build_is_about_what_others_made(scene: Scene, source: str, option: tuple[str, ...]) -> None:
    member = "workspace" in source
    other = (scene.folder if member else scene.folder.parent) / "other"
    tree(other, "other", "1.0", ["leaf"], dynamic=True)
    with tarfile.open(f"{other}.tar.gz", "w:gz") as archive:
        archive.add(other, "other-1.0")
    repository(other)
    more = "[tool.uv.workspace]\nmembers = ['other']\n" if member else ""
    more += f"[tool.uv.sources]\nother = {{ {source.replace('REPOSITORY', other.as_uri())} }}\n"
    scene.project(text_of('["other"]', more))
    by_uv = scene.uv.run("lock", *option)
    assert (by_uv.returncode == 0) == BUILT[source], by_uv.stderr
    told = scene.lock(*option, code=by_uv.returncode).output
    assert BUILT[source] or "no-build allows none" in " ".join(told.split())
    if not BUILT[source]:
        assert scene.lock().exit_code == 0
        scene.lock("--upgrade", *option, code=1)  # also where the build was made before


@needs_uv
@pytest.mark.parametrize(
    ("more", "code"),
    [("", 1), ("BUILD", 0), ("BUILD[tool.uv]\npackage = false\n", 1)],
)
@pytest.mark.parametrize("member", [False, True])
def test_no_build_is_about_a_project_that_is_not_installed_itself(
    scene: Scene, more: str, code: int, member: bool
) -> None:
    system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    folder = tree(scene.folder / "near" if member else scene.folder, "near" if member else "own", dynamic=True)
    file = folder / "pyproject.toml"
    file.write_text(file.read_text().replace(system, "") + more.replace("BUILD", system))
    if member:
        scene.project(text_of("[]", '[tool.uv.workspace]\nmembers = ["near"]\n'))
    by_uv = scene.uv.run("lock", "--no-build")
    assert by_uv.returncode == code, by_uv.stderr
    told = scene.lock("--no-build", code=code).output
    assert code == 0 or "no-build" in told


def test_a_build_that_fails_is_something_outside(scene: Scene) -> None:
    tree(scene.folder, "own", dynamic=True)
    (scene.folder / "backend.py").write_text("raise ValueError('not today')")
    assert "it fails" in scene.lock(code=3).output


@needs_uv
def test_a_member_of_another_workspace(scene: Scene) -> None:
    source = '[tool.uv.sources]\nnear = { workspace = "../other" }\nunused = { workspace = "../nowhere" }\n'
    scene.project(text_of('["near"]', source))
    scene.project('[tool.uv.workspace]\nmembers = ["packages/*"]\n', "other")
    tree(scene.folder.parent / "other/packages/near", "near", "1.0", ["leaf<2"])
    assert scene.agrees() == {"near": "1.0", "leaf": "1.0"}
    assert 'editable = "../other/packages/near"' in (scene.folder / "uv.lock").read_text()


@pytest.mark.parametrize(
    ("place", "said"),
    [("../other/packages/near", "no workspace has its root"), ("../alone", "no member of that name")],
)
def test_a_workspace_where_none_is(scene: Scene, place: str, said: str) -> None:
    scene.project(text_of('["near"]', f'[tool.uv.sources]\nnear = {{ workspace = "{place}" }}\n'))
    scene.project('[tool.uv.workspace]\nmembers = ["packages/*"]\n', "other")
    scene.project(text_of("[]", name="near"), "other/packages/near")
    scene.project(text_of("[]", name="alone"), "alone")
    assert said in scene.lock(code=2).output
    assert scene.uv.run("lock").returncode if shutil.which("uv") else True


@needs_uv
def test_a_source_whose_marker_asks_for_an_extra(scene: Scene) -> None:
    source = "[tool.uv.sources]\nnear = [{ path = '../near', marker = \"extra == 'here'\" }]\n"
    scene.project(text_of('["near"]', f"[project.optional-dependencies]\nhere = []\n{source}"))
    tree(scene.folder.parent / "near", "near", "0.5")
    assert scene.agrees() == scene.agrees("--extra", "here") == {"near": "0.5"}
    lists = '[package.optional-dependencies]\nhere = [\n    { name = "near" },\n]\n'
    assert lists in (scene.folder / "uv.lock").read_text()
    assert scene.uv.run("lock", "--upgrade").returncode == 0
    assert lists in (scene.folder / "uv.lock").read_text()  # as uv writes it


@needs_uv
def test_an_extra_in_conflict_with_its_own_project(scene: Scene) -> None:
    """uv lists nothing for it, and refuses the choice by the set that is declared."""
    members = '{ package = "own" }, { package = "own", extra = "more" }, { package = "near" }'
    more = '[project.optional-dependencies]\nmore = ["near"]\n[tool.uv.workspace]\nmembers = ["near"]\n'
    more += f"[tool.uv.sources]\nnear = {{ workspace = true }}\n[tool.uv]\nconflicts = [[{members}]]\n"
    scene.project(text_of('["leaf<2"]', more))
    scene.project(text_of('["leaf>1"]', name="near"), "own/near")
    assert scene.agrees() == {"leaf": "1.0"}
    assert scene.agrees("--package", "near", "--no-install-workspace") == {"leaf": "2.0"}
    assert "[package.optional-dependencies]" not in (scene.folder / "uv.lock").read_text()
    refused = scene.uv.run("sync", "--frozen", "--extra", "more")
    assert "Extra `more` and package `own` are incompatible" in refused.stderr
    assert scene.uv.run("lock", "--upgrade").returncode == 0
    assert "[package.optional-dependencies]" not in (scene.folder / "uv.lock").read_text()


@needs_uv
def test_the_index_of_a_member_with_its_credentials_in_the_environment(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It declares an index by a name, and the variables have the credentials for that name."""
    root = '[tool.uv.workspace]\nmembers = ["near"]\n[tool.uv.sources]\nnear.workspace = true\n'
    scene.project(text_of('["near"]', root))
    index = f'[[tool.uv.index]]\nname = "mine"\nurl = "{scene.server.url(SECOND)}"\nexplicit = true\n'
    scene.project(text_of('["branch"]', f'{index}[tool.uv.sources]\nbranch.index = "mine"\n', "near"), "own/near")
    for what, value in (("USERNAME", "public"), ("PASSWORD", "heron")):
        scene.uv.environment[f"UV_INDEX_MINE_{what}"] = value
        monkeypatch.setenv(f"UV_INDEX_MINE_{what}", value)
    assert scene.agrees("--no-install-workspace") == {"branch": "1.1"}
    assert "heron" not in (scene.folder / "uv.lock").read_text()


def test_a_url_with_a_password_is_for_no_uv_lock(scene: Scene) -> None:
    """uv repeats it in the lock, to compare it later."""
    place = scene.server.url(SECOND).replace("http://", "http://public:heron@").removesuffix("simple")
    scene.project(text_of(f'["branch @ {place}files/branch-1.1-py3-none-any.whl"]'))
    said = scene.lock(code=2).output
    assert "branch comes from a URL with credentials" in said and "heron" not in said
    scene.run("lock", "--project", str(scene.folder))
    assert "heron" not in (scene.folder / "pylock.toml").read_text()


def test_a_build_constraint_comes_from_where_the_project_takes_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        text_of("[]", '[tool.uv]\nbuild-constraint-dependencies = ["near>=1", "leaf>=1"]\nsources.near.path = "near"\n')
    )
    project = read_project(tmp_path)
    made = building_for(project, Access(), "https://index.example/simple", tmp_path, NOTHING_AROUND)
    assert made.constraints == (f"near @ {(tmp_path / 'near').as_uri()}", "leaf>=1")


@needs_uv
def test_uv_keeps_the_order_of_extras_in_a_requirement(scene: Scene) -> None:
    extras = '[project.optional-dependencies]\nb = ["leaf"]\na = ["twig"]\nall = ["own[b,a]"]\n'
    scene.project(text_of("[]", extras))
    done = scene.uv.run("lock")
    assert done.returncode == 0, done.stderr
    before = (scene.folder / "uv.lock").read_bytes()
    assert b'extras = ["b", "a"]' in before
    scene.lock("--check")
    scene.lock()
    assert (scene.folder / "uv.lock").read_bytes() == before


def test_why_there_is_no_lock_of_what_a_build_tells(scene: Scene) -> None:
    tree(scene.folder, "own", "1.0", ["leaf>=9"], extras={"more": ["twig"]}, dynamic=True)
    said = scene.lock(code=1).output
    assert "leaf>=9" in said and "bug" not in said


def test_a_project_that_requires_both_sides_of_a_conflict(scene: Scene) -> None:
    """uv locks it, and installs it never; a pylock.toml would be one for no environment."""
    apart = '[tool.uv]\nconflicts = [[{ package = "one" }, { package = "two" }]]\n'
    sources = '[tool.uv.sources]\none.workspace = true\ntwo.workspace = true\n[tool.uv.workspace]\nmembers = ["*"]\n'
    scene.project(text_of('["one", "two", "leaf"]', apart + sources))
    for name in ("one", "two"):
        scene.project(text_of("[]", name=name), f"own/{name}")
    said = scene.run("lock", "--project", str(scene.folder), "--format", "pylock", code=2).output
    assert "requires both project 'one' and project 'two'" in said
    scene.lock()
    extras = "[project.optional-dependencies]\na = []\nb = []\n"
    apart = "[tool.uv]\nconflicts = [[{ extra = 'a' }, { extra = 'b' }]]\n"
    scene.project(text_of('["own[a,b]", "leaf"]', extras + apart))
    said = scene.run("lock", "--project", str(scene.folder), "--format", "pylock", code=2).output
    assert "requires both extra 'a' and extra 'b'" in said
