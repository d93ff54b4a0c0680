"""Locks of what comes from no index: made by the command, installed by uv and pip, compared with what is due."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from satlock.cli.commands import satlock
from satlock.corpora.index.index import LiveCorpus
from satlock.encoder.project.project import Choice
from satlock.encoder.project.reading import read_project
from satlock.solver.locking import lock
from tests import standins
from tests.index_server import IndexServer, Options, slug
from tests.source_trees import commit, git, repository, tree
from tests.test_installs import Venv
from tests.uvlock.test_real_uv import Uv
from tests.world import DEFAULT, Dist, World

Start = Callable[..., IndexServer]
needs_uv = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")

FILES = "https://files.example/simple"
PACKAGES = {
    "leaf": {"1.0": Dist(), "2.0": Dist()},
    "twig": {"1.0": Dist(("leaf<2",)), "2.0": Dist(("leaf>=2",))},
    "transit": {"1.0": Dist(("gitlib>=1",))},
    "gitlib": {"9.0": Dist()},
}
URLS = {
    "urlwheel": {"1.0": Dist(("leaf",))},
    "urlsdist": {"1.0": Dist(("leaf",), wheels=(), sdist=True, needs_build=True)},
}
WORLD = World('[project]\nname = "unused"\n', {DEFAULT: PACKAGES, FILES: URLS})


@dataclass
class Scene:
    """A folder with a project, and an index on loopback."""

    folder: Path
    server: IndexServer

    @property
    def project(self) -> Path:
        return self.folder / "app"

    def write(self, dependencies: str, more: str = "") -> None:
        self.project.mkdir(exist_ok=True)
        text = f'[project]\nname = "app"\nversion = "0.1"\nrequires-python = ">=3.11"\ndependencies = {dependencies}\n'
        (self.project / "pyproject.toml").write_text(text + more, encoding="utf-8")

    def run(self, *more: str, code: int = 0, at: Path | None = None) -> Result:
        """Locks."""
        arguments = ["lock", "--project", str(at or self.project), "--cache-dir", str(self.folder / "cache")]
        arguments += ["--default-index", self.server.url(DEFAULT), *more]
        done = CliRunner().invoke(satlock, arguments)
        assert done.exit_code == code, done.output
        return done

    def lock(self, *more: str, at: Path | None = None) -> dict[str, Any]:
        """The entries of the lock by name."""
        self.run(*more, at=at)
        read = tomllib.loads(((at or self.project) / "pylock.toml").read_text("utf-8"))
        found = {entry["name"]: entry for entry in read["packages"]}
        assert len(found) == len(read["packages"])
        return found

    def file(self, filename: str) -> str:
        return f"{self.server.base}/{slug(FILES)}/files/{filename}"


@pytest.fixture
def scene(tmp_path: Path, index_server: Start) -> Scene:
    return Scene(tmp_path, index_server(WORLD))


def everything(scene: Scene) -> dict[str, str]:
    """A project with a source of each kind; returns what is to be installed."""
    top = scene.folder
    lib = repository(tree(top / "gitlib", "gitlib", "1.5", ["leaf>=1"]), tag="v1")
    tree(top / "mono" / "sub", "inner", "0.3", ["sibling"], more='[tool.uv.sources]\nsibling = {path = "../sibling"}\n')
    tree(top / "mono" / "sibling", "sibling", "0.4")
    mono = repository(top / "mono")
    tree(top / "folder", "folder", "0.5", ["near"], extras={"more": ["twig"]},
         more='[tool.uv.sources]\nnear = {path = "../near", editable = true}\n')  # fmt: skip
    tree(top / "near", "near", "0.6", dynamic=True)
    (top / "pathwheel-0.7-py3-none-any.whl").write_bytes(
        standins.wheel("a path", "pathwheel", "0.7", Dist(("leaf",)), "py3-none-any")
    )
    (top / "pathsdist-0.8.tar.gz").write_bytes(
        standins.sdist("a path", "pathsdist", "0.8", Dist(("leaf",), needs_build=True))
    )
    direct = f"inner @ git+{mono}@main#subdirectory=sub"
    wheel, sdist = scene.file("urlwheel-1.0-py3-none-any.whl"), scene.file("urlsdist-1.0.tar.gz")
    scene.write(
        str(["transit", "gitlib", "urlwheel", f"urlsdist @ {sdist}", "pathwheel", "pathsdist", "folder[more]", direct]),
        f"""
        [tool.uv.sources]
        gitlib = {{git = "{lib}", tag = "v1"}}
        urlwheel = {{url = "{wheel}"}}
        pathwheel = {{path = "../pathwheel-0.7-py3-none-any.whl"}}
        pathsdist = {{path = "../pathsdist-0.8.tar.gz"}}
        folder = {{path = "../folder"}}
        """,
    )
    return {
        "transit": "1.0", "gitlib": "1.5", "leaf": "2.0", "twig": "2.0", "inner": "0.3", "sibling": "0.4",
        "folder": "0.5", "near": "0.6", "pathwheel": "0.7", "pathsdist": "0.8", "urlwheel": "1.0", "urlsdist": "1.0",
    }  # fmt: skip


def test_each_kind_of_source_is_locked_as_pep_751_says(scene: Scene) -> None:
    expected = everything(scene)
    found = scene.lock()
    assert {name: entry.get("version", expected[name]) for name, entry in found.items()} == expected
    head = git(scene.folder / "mono", "rev-parse", "HEAD")
    mono = {"type": "git", "url": (scene.folder / "mono").as_uri(), "commit-id": head}
    assert found["inner"]["vcs"] == {**mono, "requested-revision": "main", "subdirectory": "sub"}
    assert found["sibling"]["vcs"] == {**mono, "requested-revision": "main", "subdirectory": "sibling"}
    assert found["gitlib"]["vcs"]["requested-revision"] == "v1"
    assert found["folder"]["directory"] == {"path": "../folder"}
    assert found["near"]["directory"] == {"path": "../near", "editable": True}
    assert "version" not in found["folder"]
    assert found["pathwheel"]["archive"]["path"] == "../pathwheel-0.7-py3-none-any.whl"
    assert found["urlwheel"]["archive"]["url"] == scene.file("urlwheel-1.0-py3-none-any.whl")
    assert all(len(found[name]["archive"]["hashes"]["sha256"]) == 64 for name in ("urlsdist", "pathsdist"))
    text = (scene.project / "pylock.toml").read_text("utf-8")
    scene.run()
    assert (scene.project / "pylock.toml").read_text("utf-8") == text
    scene.run("--check")
    scene.run("--offline", "--check")
    assert "pip (not uv) installs no folder or repository" in " ".join(scene.run("--upgrade").output.split())


@pytest.mark.slow
def test_each_kind_of_source_installs(scene: Scene, tmp_path: Path) -> None:
    expected = everything(scene)
    scene.run()
    venv = Venv(tmp_path, "uv")
    venv.install(scene.project / "pylock.toml")
    assert venv.installed() == expected


@pytest.mark.slow
def test_pip_installs_archives(scene: Scene, tmp_path: Path) -> None:
    """Folders and repositories it refuses beside files with hashes, whoever wrote the lock."""
    wheel = standins.wheel("a path", "pathwheel", "0.7", Dist(("leaf",)), "py3-none-any")
    (scene.folder / "pathwheel-0.7-py3-none-any.whl").write_bytes(wheel)
    scene.write(
        str(["pathwheel", f"urlsdist @ {scene.file('urlsdist-1.0.tar.gz')}"]),
        '[tool.uv.sources]\npathwheel = {path = "../pathwheel-0.7-py3-none-any.whl"}\n',
    )
    scene.run()
    venv = Venv(tmp_path, "pip")
    venv.install(scene.project / "pylock.toml")
    assert venv.installed() == {"pathwheel": "0.7", "urlsdist": "1.0", "leaf": "2.0"}


def test_a_commit_is_kept_until_an_upgrade_is_asked_for(scene: Scene) -> None:
    url = repository(tree(scene.folder / "gitlib", "gitlib", "1.0"))
    scene.write('["gitlib"]', f'[tool.uv.sources]\ngitlib = {{git = "{url}", branch = "main"}}\n')
    first = scene.lock()["gitlib"]
    tree(scene.folder / "gitlib", "gitlib", "2.0")
    newer = commit(scene.folder / "gitlib")
    assert scene.lock()["gitlib"] == first
    assert scene.lock("--upgrade-package", "leaf")["gitlib"] == first
    upgraded = scene.lock("--upgrade-package", "gitlib")["gitlib"]
    assert (upgraded["version"], upgraded["vcs"]["commit-id"]) == ("2.0", newer)
    tree(scene.folder / "gitlib", "gitlib", "3.0")
    commit(scene.folder / "gitlib")
    assert scene.lock("--upgrade")["gitlib"]["version"] == "3.0"


@pytest.mark.parametrize("kind", ["rev", "tag", "branch"])
def test_a_reference_that_is_not_there_is_named(scene: Scene, kind: str) -> None:
    url = repository(tree(scene.folder / "gitlib", "gitlib"))
    scene.write('["gitlib"]', f'[tool.uv.sources]\ngitlib = {{git = "{url}", {kind} = "gone"}}\n')
    assert f"has no {kind} 'gone'" in scene.run(code=3).output


def test_two_places_for_one_package_are_an_explained_conflict(scene: Scene) -> None:
    here, there = tree(scene.folder / "here", "lib", "1.0"), tree(scene.folder / "there", "lib", "2.0")
    tree(scene.folder / "user", "user", "1.0", [f"lib @ {there.as_uri()}"])
    scene.write('["lib", "user"]', '[tool.uv.sources]\nlib = {path = "../here"}\nuser = {path = "../user"}\n')
    said = " ".join(scene.run(code=1).output.split())
    assert here.as_uri() in said and there.as_uri() in said, said
    scene.write('["user"]', '[tool.uv.sources]\nuser = {path = "../user"}\n')
    assert scene.lock()["lib"]["directory"] == {"path": str(there)}  # as it was written


def test_a_version_that_does_not_fit_is_explained(scene: Scene) -> None:
    tree(scene.folder / "gitlib", "gitlib", "0.1")
    scene.write('["transit"]', '[tool.uv.sources]\ngitlib = {path = "../gitlib"}\n')
    said = " ".join(scene.run(code=1).output.split())
    assert "transit" in said and "gitlib>=1" in said and "0.1" in said, said


def test_scopes_of_sources_decide_where_a_package_comes_from(scene: Scene) -> None:
    url = repository(tree(scene.folder / "gitlib", "gitlib", "1.5"))
    scene.write(
        '["transit"]',
        f"""
        [project.optional-dependencies]
        dev = ["gitlib"]
        [tool.uv.sources]
        gitlib = [{{git = "{url}", extra = "dev"}}, {{path = "../never", marker = "sys_platform == 'never'"}}]
        [tool.uv]
        environments = ["sys_platform == 'linux'"]
        """,
    )
    scene.run()
    read = tomllib.loads((scene.project / "pylock.toml").read_text("utf-8"))
    markers = {("vcs" in e, e.get("marker")) for e in read["packages"] if e["name"] == "gitlib"}
    assert markers == {(True, '"dev" in extras'), (False, '"dev" not in extras')}


@pytest.mark.parametrize(
    ("dependencies", "sources", "code", "said"),
    [
        ('["lib"]', 'lib = {path = "../gone"}', 2, "../gone cannot be locked: there is no such folder"),
        ('["lib"]', 'lib = {path = "../gone.whl"}', 2, "gone.whl cannot be locked"),
        ('["other"]', 'other = {path = "../lib"}', 2, "which is the package 'lib'"),
        ('["lib @ https://files.example/lib"]', "", 2, "neither a wheel nor a source archive"),
        ('["lib @ hg+https://files.example/lib"]', "", 2, "only git is supported"),
        ('["lib @ git+https://files.example/lib@--upload-pack=x"]', "", 2, "is not one that git may have"),
        ('["lib @ git+file:///nowhere/at/all"]', "", 3, "cannot be asked"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    scene: Scene, dependencies: str, sources: str, code: int, said: str
) -> None:
    tree(scene.folder / "lib", "lib")
    scene.write(dependencies, f"[tool.uv.sources]\n{sources}\n")
    done = scene.run(code=code)
    assert said in " ".join(done.output.split()) and "Traceback" not in done.output
    assert not (scene.project / "pylock.toml").exists()


def test_credentials_of_an_archive_are_used_and_shown_nowhere(tmp_path: Path, index_server: Start) -> None:
    scene = Scene(tmp_path, index_server(WORLD, per_index={FILES: Options(login="user:hunter2")}))
    url = scene.file("urlwheel-1.0-py3-none-any.whl")
    secret = url.replace("://", "://user:hunter2@")
    scene.write(f'["urlwheel @ {secret}"]')
    found = scene.lock("--verbose", "--json")
    assert found["urlwheel"]["archive"]["url"] == url
    scene.write(f'["urlwheel @ {secret.replace("hunter2", "sesame")}"]')
    done = scene.run("--no-cache", "--upgrade", code=3)
    for text in (done.output, (scene.project / "pylock.toml").read_text("utf-8")):
        assert "hunter2" not in text and "sesame" not in text
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert kept and not any(b"hunter2" in path.read_bytes() for path in kept)


def test_a_folder_that_must_be_built_is_built_again_when_it_changes(scene: Scene) -> None:
    lib = tree(scene.folder / "lib", "lib", "1.0", ["twig"], dynamic=True)
    scene.write('["lib"]', '[tool.uv.sources]\nlib = {path = "../lib"}\n')
    assert set(scene.lock()) == {"lib", "twig", "leaf"}
    scene.run("--check")
    told = (lib / "METADATA").read_text("utf-8")
    (lib / "METADATA").write_text(told.replace("Requires-Dist: twig", "Requires-Dist: leaf"), encoding="utf-8")
    scene.run("--check", code=1)
    assert set(scene.lock()) == {"lib", "leaf"}


def test_offline_and_a_snapshot_say_what_cannot_be_had(scene: Scene, tmp_path: Path) -> None:
    scene.write(f'["urlwheel @ {scene.file("urlwheel-1.0-py3-none-any.whl")}"]')
    assert "offline" in scene.run("--offline", code=3).output
    scene.lock()
    scene.lock("--offline", "--upgrade")


# Workspaces


def workspace(scene: Scene) -> None:
    """Three members; two extras of one of them exclude each other."""
    scene.write(
        '["core", "leaf"]',
        """
        [project.optional-dependencies]
        old = ["plug[old]"]
        new = ["plug[new]"]
        [dependency-groups]
        dev = ["tool"]
        [tool.uv.workspace]
        members = ["packages/*"]
        exclude = ["packages/seed"]
        [tool.uv.sources]
        core = {workspace = true}
        plug = {workspace = true}
        tool = {workspace = true}
        [tool.uv]
        conflicts = [[{package = "plug", extra = "old"}, {package = "plug", extra = "new"}]]
        """,
    )
    packages = scene.project / "packages"
    tree(packages / "core", "core", "1.1", ["leaf"])
    tree(packages / "plug", "plug", "1.2", ["core"], extras={"old": ["twig==1.0"], "new": ["twig==2.0"]},
         more='[dependency-groups]\ntest = ["transit"]\n')  # fmt: skip
    tree(packages / "tool", "tool", "1.3", ["plug"], python=">=3.11.1")
    (packages / "seed").mkdir()


def test_conflicts_between_members_part_what_the_root_chooses(scene: Scene) -> None:
    workspace(scene)
    scene.run()
    read = tomllib.loads((scene.project / "pylock.toml").read_text("utf-8"))
    assert read["requires-python"] == ">=3.11.1" and read["extras"] == ["old", "new"]
    twigs = {e["version"]: e["marker"] for e in read["packages"] if e["name"] == "twig"}
    assert twigs == {"1.0": '"old" in extras', "2.0": '"new" in extras'}
    core = next(e for e in read["packages"] if e["name"] == "core")
    assert core["directory"] == {"path": "packages/core", "editable": True} and "marker" not in core
    proven = CliRunner().invoke(satlock, ["prove", str(scene.project / "pylock.toml")])
    assert proven.exit_code == 0, proven.output


@pytest.mark.slow
@pytest.mark.parametrize(("extra", "more"), [("", {}), ("old", {"plug": "1.2", "twig": "1.0"}),
                                             ("new", {"plug": "1.2", "twig": "2.0"})])  # fmt: skip
def test_a_workspace_installs(scene: Scene, tmp_path: Path, extra: str, more: dict[str, str]) -> None:
    workspace(scene)
    text = (scene.project / "pyproject.toml").read_text("utf-8")
    text = text.replace("[tool.uv]", "[tool.uv]\n        default-groups = []")
    (scene.project / "pyproject.toml").write_text(text, encoding="utf-8")
    scene.run()
    venv = Venv(tmp_path, "uv")
    venv.install(scene.project / "pylock.toml", extra=extra)
    assert venv.installed() == {"core": "1.1", "leaf": "1.0" if extra == "old" else "2.0", **more}


def test_a_member_is_locked_with_what_its_workspace_says(scene: Scene) -> None:
    workspace(scene)
    plug = scene.project / "packages" / "plug"
    scene.run(at=plug)
    read = tomllib.loads((plug / "pylock.toml").read_text("utf-8"))
    assert read["extras"] == ["old", "new"] and read["dependency-groups"] == ["test"]
    assert {e["version"]: e["marker"] for e in read["packages"] if e["name"] == "twig"} == {
        "1.0": '"old" in extras', "2.0": '"new" in extras',
    }  # fmt: skip
    assert next(e for e in read["packages"] if e["name"] == "core")["directory"]["path"] == "../core"


def test_a_whole_workspace_has_the_choices_of_every_member(scene: Scene, tmp_path: Path) -> None:
    workspace(scene)
    project = read_project(scene.project, whole_workspace=True)
    with LiveCorpus(cache_dir=tmp_path / "cache") as corpus:
        found = lock(project, corpus, default_index=scene.server.url(DEFAULT))
    old, new = Choice("extra", "old", "plug"), Choice("extra", "new", "plug")
    assert {old, new, Choice("group", "test", "plug"), Choice("project", "", "tool")} <= found.lock.roots.keys()
    active = found.universe.active
    assert not found.universe.domain.satisfiable(active[old], active[new])
    assert found.universe.domain.satisfiable(active[old], active[Choice("extra", "old")])
    assert not found.universe.domain.satisfiable(active[old], active[Choice("extra", "new")])
    names = [package.name for package in found.lock.packages]
    assert {"core", "plug", "tool", "transit", "gitlib"} <= set(names) and names.count("twig") == 2


def test_a_root_without_a_project_installs_every_member(scene: Scene) -> None:
    workspace(scene)
    (scene.project / "pyproject.toml").write_text(
        '[tool.uv.workspace]\nmembers = ["packages/*"]\nexclude = ["packages/seed"]\n'
        '[tool.uv.sources]\ncore = {workspace = true}\nplug = {workspace = true}\n'
        '[tool.uv]\nconflicts = [[{package = "plug", extra = "old"}, {package = "plug", extra = "new"}]]\n',
        encoding="utf-8",
    )  # fmt: skip
    scene.run()
    read = tomllib.loads((scene.project / "pylock.toml").read_text("utf-8"))
    assert read["extras"] == ["new", "old"] or read["extras"] == ["old", "new"]
    assert read["dependency-groups"] == ["test"]
    assert {"core", "plug", "tool"} <= {e["name"] for e in read["packages"] if "marker" not in e}


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ('["packages/*"]', "which has no pyproject.toml"),
        ('["packages/core", "packages/twin"]', "two members with the name 'core'"),
        ('["/packages"]', "write a folder"),
    ],
)
def test_what_is_wrong_with_a_workspace_is_said(scene: Scene, members: str, said: str) -> None:
    scene.write("[]", f"[tool.uv.workspace]\nmembers = {members}\n")
    packages = scene.project / "packages"
    tree(packages / "core", "core")
    (packages / "empty").mkdir()
    (packages / "empty" / "notes").write_text("")
    if "twin" in members:
        tree(packages / "twin", "core")
    assert said in " ".join(scene.run(code=2).output.split())


def test_a_member_that_is_required_must_be_meant(scene: Scene) -> None:
    scene.write('["core"]', '[tool.uv.workspace]\nmembers = ["packages/*"]\n')
    tree(scene.project / "packages" / "core", "core")
    assert "core = { workspace = true }" in scene.run(code=2).output
    source = 'core = { path = "packages/core" }'
    scene.write('["core"]', f'[tool.uv.workspace]\nmembers = ["packages/*"]\n[tool.uv.sources]\n{source}\n')
    assert "write core = { workspace = true }" in scene.run(code=1).output  # the two contradict each other


def test_what_is_not_installed_itself_is_there_by_what_it_requires(scene: Scene) -> None:
    tree(scene.folder / "lib", "lib", "1.0", ["twig"])
    scene.write('["lib"]', '[tool.uv.sources]\nlib = {path = "../lib", package = false}\n')
    assert set(scene.lock()) == {"twig", "leaf"}
    scene.run("--check")
    tree(scene.folder / "lib", "lib", "1.0", ["twig<2"])
    scene.run("--check", code=1)


# uv.lock


def with_index(scene: Scene) -> None:
    """The project names its index itself, so that uv finds it."""
    path = scene.project / "pyproject.toml"
    index = f'\n[[tool.uv.index]]\nname = "main"\nurl = "{scene.server.url(DEFAULT)}"\ndefault = true\n'
    path.write_text(path.read_text("utf-8") + index, encoding="utf-8")


@pytest.mark.slow
@needs_uv
def test_uv_accepts_a_lock_of_each_kind_of_source(scene: Scene) -> None:
    expected = everything(scene)
    with_index(scene)
    scene.run("--output", str(scene.project / "uv.lock"))
    uv = Uv(scene.project)
    uv.accepts()
    assert uv.installs() == expected
    proven = CliRunner().invoke(satlock, ["prove", str(scene.project / "uv.lock")])
    assert proven.exit_code == 0, proven.output


@pytest.mark.slow
@needs_uv
def test_uv_accepts_a_lock_of_a_workspace(scene: Scene) -> None:
    workspace(scene)
    path = scene.project / "pyproject.toml"
    more = """[{extra = "old"}, {extra = "new"}], [{extra = "old"}, {package = "plug", extra = "new"}],
        [{extra = "new"}, {package = "plug", extra = "old"}]]"""
    text = path.read_text("utf-8").replace('extra = "new"}]]', 'extra = "new"}], ' + more)
    path.write_text(text.replace(">=3.11.1", ">=3.11"), encoding="utf-8")
    with_index(scene)
    scene.run("--format", "uv", at=scene.project / "packages" / "plug")
    scene.run("--format", "uv", "--check")
    uv = Uv(scene.project)
    uv.accepts()
    core = {"core": "1.1", "leaf": "2.0"}
    assert uv.installs() == core
    old = uv.installs("--extra", "old")
    assert old == {"core": "1.1", "leaf": "1.0", "plug": "1.2", "twig": "1.0"}
    assert uv.installs("--package", "plug", "--extra", "new") == {**core, "plug": "1.2", "twig": "2.0"}
    assert uv.installs("--package", "plug", "--group", "test") == {
        **core, "plug": "1.2", "transit": "1.0", "gitlib": "9.0",
    }  # fmt: skip
    proven = CliRunner().invoke(satlock, ["prove", str(scene.project / "uv.lock")])
    assert proven.exit_code == 0, proven.output
