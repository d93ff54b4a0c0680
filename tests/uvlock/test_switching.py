"""From uv to satlock and back: neither complains of the lock that the other made, and both leave it alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.source_trees import tree
from tests.uvlock.test_kinds import Scene, needs_uv, text_of
from tests.world import DEFAULT, Dist, World

MADE = World(
    '[project]\nname = "unused"\n',
    {
        DEFAULT: {
            "leaf": {"1.0": Dist(sdist=True), "2.0": Dist(sdist=True)},
            "twig": {"1.0": Dist(("leaf<2",), sdist=True)},
        }
    },
)
MINOR = sys.version_info.minor


@pytest.fixture
def scene(tmp_path: Path, index_server: object, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, index_server(MADE), monkeypatch)  # type: ignore[operator]


def switches(scene: Scene, *arguments: str) -> dict[str, str]:
    """What uv installs from satlock's lock, which it takes for its own, as satlock takes uv's."""
    installed = scene.agrees(*arguments)
    mine = scene.folder / "uv.lock"
    mine.unlink()
    done = scene.uv.run("lock")
    assert done.returncode == 0, done.stderr
    before = mine.read_bytes()
    scene.lock("--check", "--no-cache")
    scene.lock()
    assert mine.read_bytes() == before
    return installed


def pythons(scene: Scene) -> str:
    lines = (scene.folder / "uv.lock").read_text().splitlines()
    return next(line for line in lines if line.startswith("requires-python"))


@needs_uv
@pytest.mark.parametrize(
    "said",
    [
        f">=3.{MINOR},<3.{MINOR + 1}",
        f">=3.{MINOR}.0,<3.{MINOR + 1}.0",
        f"~=3.{MINOR}",
        f"~=3.{MINOR}.0",
        "==3.*,>=3.9",
        f"==3.{MINOR}.*",
        ">=3.9rc1",
        ">=3.9,<4.0",
        ">3.9",
        ">=3.8,!=3.9.*,!=3.10.*",
        ">=2.7,!=3.0.*,!=3.1.*",
        f">=3.9,!=3.{MINOR}.99",
        f">=3.9,<=3.{MINOR}.99",
        "".join([">=3", *(f",!=3.{minor}.*" for minor in range(10))]),
        ">=3.9,>=3.10",
    ],
)
def test_each_set_of_pythons_has_one_spelling(scene: Scene, said: str) -> None:
    scene.project(text_of('["leaf"]').replace(">=3.11", said))
    scene.lock()
    mine = pythons(scene)
    scene.uv.accepts()
    switches(scene)
    assert pythons(scene) == mine


@needs_uv
@pytest.mark.parametrize(
    "barred", ['no-build-package = ["leaf"]', 'no-binary-package = ["leaf"]', "no-build = true", "no-binary = true"]
)
def test_what_may_not_be_installed_is_listed_all_the_same(scene: Scene, barred: str) -> None:
    scene.project(text_of('["leaf"]', f"[tool.uv]\n{barred}\n"))
    switches(scene, "--dry-run")
    text = (scene.folder / "uv.lock").read_text()
    assert "leaf-2.0.tar.gz" in text and "leaf-2.0-py3-none-any.whl" in text


def test_what_satlock_alone_bars_is_in_no_lock(scene: Scene) -> None:
    """uv does not know of it."""
    scene.project(text_of('["leaf"]', "[tool.satlock]\nno-build = true\n"))
    scene.lock()
    text = (scene.folder / "uv.lock").read_text()
    assert "leaf-2.0.tar.gz" not in text and "leaf-2.0-py3-none-any.whl" in text
    scene.lock("--check", "--no-cache")
    (scene.folder / "pyproject.toml").write_text(text_of('["leaf"]', "[tool.uv]\nno-build = true\n"))
    scene.run("lock", "--project", str(scene.folder), "--format", "pylock")
    assert "leaf-2.0.tar.gz" not in (scene.folder / "pylock.toml").read_text()


@needs_uv
def test_a_folder_by_the_variable_for_the_root(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a variable makes absolute is no absolute path of the project."""
    monkeypatch.chdir(scene.folder)
    tree(scene.folder / "near", "near", "1.0", ["leaf"])
    scene.project(text_of('["near @ file://${PROJECT_ROOT}/near"]'))
    assert switches(scene) == {"near": "1.0", "leaf": "2.0"}
    assert str(scene.folder) not in (scene.folder / "uv.lock").read_text()


@needs_uv
def test_extras_of_a_member_that_only_its_build_tells(scene: Scene) -> None:
    scene.project(text_of("[]", '[tool.uv.workspace]\nmembers = ["near"]\n'))
    tree(scene.folder / "near", "near", "1.0", extras={"more": ["twig"]}, dynamic=True)
    assert switches(scene, "--package", "near", "--extra", "more", "--no-install-workspace") == {
        "twig": "1.0",
        "leaf": "1.0",
    }


@needs_uv
@pytest.mark.parametrize(
    "marker", ["platform_version == '#1 SMP'", "platform_release >= '5.10'", "platform_version != '7'"]
)
def test_markers_on_what_a_kernel_says(scene: Scene, marker: str) -> None:
    """uv compares these by their letters; a lock and the project that it is held to are read alike."""
    scene.project(text_of(f'["leaf<2; {marker}", "twig; sys_platform == \'linux\'"]'))
    switches(scene)
    told = scene.run_without_cache("export", str(scene.folder / "uv.lock")).output
    assert "leaf==1.0" in told and "as text" not in told
    scene.run_without_cache("tree", str(scene.folder / "uv.lock"))


@needs_uv
def test_requirements_that_a_build_tells_of_what_is_not_installed_itself(scene: Scene) -> None:
    scene.project(text_of("[]", '[tool.uv.workspace]\nmembers = ["near"]\n'))
    tree(scene.folder / "near", "near", "1.0", ["twig"], dynamic=True, more="[tool.uv]\npackage = false\n")
    assert switches(scene, "--package", "near") == {"twig": "1.0", "leaf": "1.0"}


APART = '[tool.uv]\nconflicts = [[{ package = "one" }, { package = "two" }]]\n[tool.uv.workspace]\nmembers = ["*"]\n'


@needs_uv
@pytest.mark.parametrize(
    ("listed", "flag"),
    [
        ('[project.optional-dependencies]\nmore = ["one"]\n', "--extra"),
        ('[dependency-groups]\nmore = ["one"]\n', "--group"),
    ],
)
def test_a_member_that_brings_one_side_of_a_conflict_of_members(scene: Scene, listed: str, flag: str) -> None:
    """uv looks at what members reach before it installs or exports; uv 0.13.9 itself locks `one` away from there."""
    scene.project(APART)
    scene.project(text_of('["leaf<2"]', name="one"), "own/one")
    scene.project(text_of('["leaf>=2"]', name="two"), "own/two")
    scene.project(text_of("[]", f"{listed}[tool.uv.sources]\none.workspace = true\n", "three"), "own/three")
    chosen = ("--package", "three", flag, "more")
    assert scene.agrees(*chosen, "--no-install-workspace") == {"leaf": "1.0"}
    assert "uv export" not in scene.lock("--upgrade").output
    for command in ("sync", "export"):
        refused = scene.uv.run(command, "--frozen", *chosen, "--package", "two")
        # uv breaks its lines where a terminal's width says so.
        assert refused.returncode and "incompatible with the declared conflicts" in " ".join(refused.stderr.split())
    proof = scene.folder / "proof"
    scene.run_without_cache("prove", str(scene.folder / "uv.lock"), "--certificate", str(proof))
    told = scene.run_without_cache("check", str(proof), "--lockfile", str(scene.folder / "uv.lock")).output
    assert "unique for leaf, one, three, two" in told


@needs_uv
def test_no_dependency_is_installed_where_no_fork_of_the_lock_is(scene: Scene) -> None:
    here = sys.platform
    scene.project(text_of(f"[\"leaf<2; sys_platform == '{here}'\", \"leaf>=2; sys_platform != '{here}'\"]"))
    assert scene.uv.run("lock").returncode == 0
    lock = scene.folder / "uv.lock"
    mine = f"    \"sys_platform == '{here}'\",\n"
    assert lock.read_text().startswith("version") and mine in lock.read_text().partition("[[package]]")[0]
    proof = scene.folder.parent / "proof"
    proving = ("prove", str(lock), "--complete", "--certificate", str(proof))
    scene.run(*proving)
    assert "complete for leaf, own" in scene.run_without_cache("check", str(proof), "--lockfile", str(lock)).output
    assert scene.uv.installs() == {"leaf": "1.0"}
    lock.write_text(lock.read_text().replace(mine, "", 1))
    assert scene.uv.installs() == {}
    told = scene.run(*proving, code=1).output
    assert "since none of the lock's resolution-markers holds there" in told and here in told


REFUSED = {
    "tool.uv.prereleas": (text_of('["leaf"]', '[tool.uv]\nprereleas = "allow"\nresolution = "lowest"\n'), ""),
    "tool.uv.managed": (text_of('["leaf"]', "[tool.uv]\nmanaged = false\n"), ""),
    "tool.uv.sources.leaf": (
        text_of('["leaf"]', '[tool.uv.sources]\nleaf.index = "mine"\n'),
        '[[index]]\nname = "mine"\nurl = "INDEX"\n',
    ),
}


@needs_uv
@pytest.mark.parametrize("key", REFUSED)
def test_what_uv_does_not_lock_as_it_is_written(scene: Scene, key: str) -> None:
    """A pylock.toml can be written, and uv either refuses the project or passes over its settings."""
    text, settings = REFUSED[key]
    scene.project(text)
    if settings:
        (scene.folder / "uv.toml").write_text(settings.replace("INDEX", scene.server.url(DEFAULT)))
    done = scene.uv.run("lock")
    assert done.returncode or "Failed to parse" in done.stderr
    said = " ".join(scene.lock(code=2).output.split())
    assert f"error: {key} in " in said and "write a pylock.toml" in said
    (scene.folder / "uv.lock").unlink(missing_ok=True)
    scene.run("lock", "--project", str(scene.folder))


@needs_uv
@pytest.mark.parametrize("line", ["environments = [\"sys_platform == 'linux'\"]", "resoluton = 'lowest'"])
def test_settings_that_uv_takes_in_no_script(scene: Scene, line: str) -> None:
    script = scene.folder / "tool.py"
    block = ("/// script", "requires-python = '>=3.11'", "dependencies = []", "[tool.uv]", line, "///")
    script.write_text("".join(f"# {each}\n" for each in block))
    assert scene.uv.run("lock", "--script", "tool.py").returncode
    told = scene.run("lock", str(script), "--format", "uv", code=2).output
    assert f"tool.uv.{line.partition(' ')[0]}" in told


def test_an_index_that_an_option_names(scene: Scene) -> None:
    """The file does not say where a source sends its package; but nothing else depends on that."""
    scene.project(text_of('["leaf"]', '[tool.uv.sources]\nleaf.index = "mine"\n'))
    index = ("--index", f"mine={scene.server.url(DEFAULT)}")
    proof = scene.folder / "proof"
    scene.run("lock", "--project", str(scene.folder), *index, "--certificate", str(proof))
    scene.run_without_cache("prove", str(scene.folder / "pylock.toml"))
    told = scene.run_without_cache("prove", str(scene.folder / "pylock.toml"), "--index-pins", code=2).output
    assert "an index that the file does not declare" in " ".join(told.split())
    scene.run_without_cache("check", str(proof))
