"""The options and variables that people know from uv, the lock that is meant where none is named, and what changed."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from satlock.cli.commands import satlock
from tests.cli.scene import Scene, pyproject, run, scene_of, world_of
from tests.standins import wheel
from tests.world import Dist

OLD, NEW = "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"
PACKAGES = {
    "a": {"1.0": Dist(("b",), upload_time=OLD), "2.0": Dist(("b",), upload_time=NEW), "3.0rc1": Dist(upload_time=NEW)},
    "b": {"1.0": Dist(upload_time=OLD), "2.0": Dist(upload_time=NEW)},
    "c": {"1.0": Dist(upload_time=OLD), "2.0": Dist(upload_time=NEW)},
}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return scene_of(world_of(PACKAGES, pyproject("a", more='[dependency-groups]\ndev = ["c"]\n')), tmp_path)


def versions(scene: Scene) -> dict[str, str]:
    return dict(scene.entries())


class TestUpgrades:
    def test_a_group(self, scene: Scene) -> None:
        scene.lock("-P", "a<2", "-P", "b<2", "-P", "c<2")
        assert versions(scene) == {"a": "1.0", "b": "1.0", "c": "1.0"}
        assert scene.lock("--upgrade-group", "DEV").exit_code == 0
        assert versions(scene) == {"a": "1.0", "b": "1.0", "c": "2.0"}
        unknown = scene.lock("--upgrade-group", "docs")
        assert unknown.exit_code == 2 and "'docs', which is no group of the project; there are dev" in unknown.stderr

    def test_to_a_version(self, scene: Scene) -> None:
        scene.lock()
        assert "Updated b 2.0 -> 1.0" in scene.lock("-P", "b==1").stderr
        assert scene.lock("--check").exit_code == 0
        assert scene.lock("-P", "c>=3").exit_code == 1
        assert scene.lock("-P", "b[x]").exit_code == 2
        scene.lock("-U")
        assert versions(scene)["b"] == "2.0"

    def test_a_name_that_is_nowhere_is_told(self, scene: Scene) -> None:
        done = scene.lock("-P", "aa", "-P", "b")
        assert done.exit_code == 0
        assert "--upgrade-package aa has no effect: nothing of that name is locked; did you mean a?" in done.stderr


class TestWhatChanged:
    def test_versions(self, scene: Scene) -> None:
        first = scene.lock("-P", "b<2")
        assert "Added" not in first.stderr  # all of it is new
        planned = scene.lock("--upgrade", "--dry-run")
        assert planned.stderr.splitlines()[0].startswith("Would lock: 3 packages (")
        assert planned.stderr.splitlines()[1] == "Update b 1.0 -> 2.0"
        assert versions(scene)["b"] == "1.0"
        scene.rewrite(pyproject(more='[dependency-groups]\ndev = ["c"]\n'))
        done = scene.lock("--json", "--upgrade")
        lines = done.stderr.splitlines()
        assert lines[1:3] == ["Removed a 2.0", "Removed b 1.0"]
        changes = json.loads(done.stdout)["changes"]
        assert changes == [
            {"name": "a", "change": "removed", "before": ["2.0"], "after": [], "marker": None},
            {"name": "b", "change": "removed", "before": ["1.0"], "after": [], "marker": None},
        ]

    def test_by_environment_where_they_differ(self, scene: Scene) -> None:
        scene.rewrite(pyproject("c<2 ; python_version < '3.12'", "c>=2 ; python_version >= '3.12'"))
        scene.lock()
        scene.rewrite(pyproject("c<2 ; python_version < '3.13'", "c>=2 ; python_version >= '3.13'"))
        assert scene.lock().stderr.splitlines()[-1] != ""
        done = scene.lock("--upgrade", "--dry-run")
        assert done.stderr.splitlines()[0].startswith("Already locked")
        scene.rewrite(pyproject("c>=2 ; python_version >= '3.12'"))
        said = [line for line in scene.lock().stderr.splitlines() if " c " in line]
        assert said == [
            "Updated c 1.0 -> 2.0 where python_version == '3.12'",
            "Removed c 1.0 where python_version < '3.12'",
        ]

    def test_nothing(self, scene: Scene) -> None:
        scene.lock()
        done = scene.lock("--upgrade", "--json")
        assert json.loads(done.stdout)["changes"] == [] and "Updated" not in done.stderr
        assert json.loads(scene.lock("--upgrade", "--dry-run", "--json").stdout)["status"] == "unchanged"

    def test_a_dry_run_without_a_lock_adds_all(self, scene: Scene) -> None:
        done = scene.lock("--dry-run")
        assert done.exit_code == 0 and "Add a 2.0" in done.stderr
        assert scene.files() == ["pyproject.toml"]


class TestSettings:
    @pytest.mark.parametrize("as_variable", [False, True])
    @pytest.mark.parametrize(
        ("key", "value", "found"),
        [
            ("prerelease", "allow", {"a": "3.0rc1", "c": "2.0"}),
            ("resolution", "lowest", {"a": "1.0", "b": "1.0", "c": "1.0"}),
            ("resolution", "lowest-direct", {"a": "1.0", "b": "2.0", "c": "1.0"}),
            ("exclude-newer", "2024-06-01", {"a": "1.0", "b": "1.0", "c": "1.0"}),
        ],
    )
    def test_words(self, scene: Scene, key: str, value: str, found: dict[str, str], as_variable: bool) -> None:
        variable = f"UV_{key.upper().replace('-', '_')}"
        done = scene.lock(env={variable: value}) if as_variable else scene.lock(f"--{key}", value)
        assert done.exit_code == 0, done.stderr
        assert versions(scene) == found

    def test_the_option_wins_over_the_variable_and_both_over_the_project(self, scene: Scene) -> None:
        scene.rewrite(pyproject("a", more='[tool.uv]\nprerelease = "disallow"\n'))
        scene.lock("--prerelease", "disallow", env={"UV_PRERELEASE": "allow"})
        assert versions(scene)["a"] == "2.0"
        scene.lock("--upgrade", env={"UV_PRERELEASE": "allow"})
        assert versions(scene)["a"] == "3.0rc1"

    def test_a_verdict_is_recalled_only_under_the_same_variables(self, scene: Scene) -> None:
        scene.lock()
        assert scene.lock("--check").exit_code == 0
        assert scene.lock("--check", env={"UV_RESOLUTION": "lowest"}).exit_code == 1
        assert scene.lock("--check").exit_code == 0

    def test_of_one_package(self, scene: Scene) -> None:
        scene.lock("--exclude-newer-package", "b=2024-06-01", "--prerelease-package", "a=allow")
        assert versions(scene) == {"a": "3.0rc1", "c": "2.0"}
        scene.lock("--upgrade", "--exclude-newer-package", "b=2024-06-01")
        assert versions(scene) == {"a": "2.0", "b": "1.0", "c": "2.0"}
        scene.lock("-U", "--exclude-newer", "2024-06-01", "--exclude-newer-package", "b=false")
        assert versions(scene) == {"a": "1.0", "b": "2.0", "c": "1.0"}

    def test_files(self, scene: Scene) -> None:
        assert scene.lock("--no-binary").exit_code == 1
        assert scene.lock("--no-build").exit_code == 0
        assert scene.lock("-U", env={"UV_NO_BINARY": "1"}).exit_code == 1
        assert scene.lock("-U", "--binary", env={"UV_NO_BINARY": "1"}).exit_code == 0
        assert scene.lock("-U", env={"UV_NO_BINARY_PACKAGE": "x c"}).exit_code == 1
        assert scene.lock("-U", "--no-binary-package", "c").exit_code == 1

    @pytest.mark.parametrize(
        ("arguments", "environment", "said"),
        [
            (("--prerelease", "some"), {}, "'some' is not one of"),
            (("--exclude-newer-package", "b"), {}, "'b' is not NAME=DATE"),
            (("--exclude-newer-package", "b=soon"), {}, "exclude-newer-package"),
            ((), {"UV_PRERELEASE": "some"}, "UV_PRERELEASE in the environment is 'some'; write one of"),
            ((), {"UV_NO_BUILD": "perhaps"}, "UV_NO_BUILD in the environment is 'perhaps'"),
            ((), {"UV_EXCLUDE_NEWER": "soon"}, "UV_EXCLUDE_NEWER in the environment is 'soon'"),
            (("--config-file", "nowhere.toml"), {}, "nowhere.toml is no file"),
        ],
    )
    def test_what_they_cannot_say(
        self, scene: Scene, arguments: tuple[str, ...], environment: dict[str, str], said: str
    ) -> None:
        done = scene.lock(*arguments, env=environment)
        assert done.exit_code == 2 and said in done.stderr

    def test_files_with_settings(self, scene: Scene, tmp_path: Path) -> None:
        home = tmp_path / "config"
        (home / "uv").mkdir(parents=True)
        (home / "uv" / "uv.toml").write_text('prerelease = "allow"\n')
        env = {"XDG_CONFIG_HOME": str(home), "APPDATA": str(home)}
        scene.lock(env=env)
        assert versions(scene)["a"] == "3.0rc1"
        scene.lock("-U", "--no-config", env=env)
        assert versions(scene)["a"] == "2.0"
        scene.lock("-U", "--config-file", str(home / "uv" / "uv.toml"))
        assert versions(scene)["a"] == "3.0rc1"
        scene.rewrite(pyproject("a", more='[tool.uv]\nprerelease = "disallow"\n'))
        scene.lock("-U", env=env)
        assert versions(scene)["a"] == "2.0"
        (scene.project / "uv.toml").write_text("no-build = true\n")
        done = scene.lock("-U", env=env)
        assert versions(scene)["a"] == "3.0rc1" and "hides what [tool.uv] beside it says of prerelease" in done.stderr

    @pytest.mark.parametrize("name", ["pylock.toml", "uv.lock"])
    def test_a_lock_that_was_chosen_otherwise_is_made_anew(self, scene: Scene, name: str) -> None:
        lock = ("--output", str(scene.project / name))
        scene.lock(*lock)
        assert scene.lock(*lock, "--check").exit_code == 0
        for option, value, said in [
            ("--objective", "lowest", "objective fresh, and lowest is asked for"),
            ("--objective", "newest-first", "objective lowest, and newest-first is asked for"),
            ("--fork-strategy", "fewest", "and"),
        ]:
            refused = scene.lock(*lock, option, value, "--check")
            assert refused.exit_code == 1 and said in refused.stderr
            again = scene.lock(*lock, option, value)
            assert again.exit_code == 0 and "is made anew" in again.stderr, again.stderr
            assert scene.lock(*lock, option, value, "--check").exit_code == 0
        assert scene.lock(*lock).exit_code == 0
        assert scene.lock(*lock, "--check").exit_code == 0
        assert scene.lock(*lock, "--check", "--prerelease", "allow").exit_code == 1
        kept = scene.lock(*lock, "--prerelease", "allow")
        assert kept.exit_code == 0 and "Updated" not in kept.stderr  # as uv does: another version may serve, none must

    def test_python(self, scene: Scene) -> None:
        scene.rewrite('[project]\nname = "p"\nversion = "1"\ndependencies = ["a"]\n')
        for arguments, env, pythons in [
            (("--python", "3.13"), {}, ">=3.13"),
            ((), {"UV_PYTHON": "3.14"}, ">=3.14"),
            (("-p", "3.12"), {"UV_PYTHON": "3.14"}, ">=3.12"),
        ]:
            scene.lock("-U", *arguments, env=env)
            assert tomllib.loads(scene.lockfile.read_text())["requires-python"] == pythons


class TestTheLockThatIsThere:
    def lock(self, scene: Scene, *more: str, env: dict[str, str] | None = None) -> Result:
        return scene.lock(*more, env=env)

    def test_a_uv_lock_alone(self, scene: Scene) -> None:
        of_uv = scene.project / "uv.lock"
        scene.lock("-P", "b<2", "-o", str(of_uv))
        assert scene.lock("--check").stderr.startswith("Valid: 3")
        scene.lock("--upgrade")
        assert scene.files() == ["pyproject.toml", "uv.lock"] and "2.0" in of_uv.read_text()
        why = CliRunner().invoke(
            satlock, ["why", "b", "--project", str(scene.project), "--corpus", str(scene.snapshot)]
        )
        assert why.exit_code == 0 and "b 2.0" in why.stderr
        of_uv.write_text("version = 1\nbroken")
        for arguments in ((), ("--check",)):
            assert scene.lock(*arguments).exit_code == 2
        assert scene.files() == ["pyproject.toml", "uv.lock"]

    def test_both(self, scene: Scene) -> None:
        scene.lock("-o", str(scene.project / "uv.lock"))
        scene.lock("-o", str(scene.lockfile))
        scene.rewrite(pyproject("a", "c"))
        refused = scene.lock("--check", "--output", str(scene.project / "uv.lock"))
        assert refused.exit_code == 1 and "--output" in refused.stderr.splitlines()[-1]
        assert "--output" not in scene.lock("--check").stderr

    def test_the_project_says_it(self, scene: Scene) -> None:
        scene.rewrite(pyproject("a", more='[tool.satlock]\noutput = "uv.lock"\n'))
        assert scene.lock().exit_code == 0
        assert scene.files() == ["pyproject.toml", "uv.lock"]
        scene.lock("--format", "pylock")
        assert scene.files() == ["pylock.toml", "pyproject.toml", "uv.lock"]
        assert "uv.lock" in scene.lock("--check").stderr
        scene.rewrite(pyproject("a", more="[tool.satlock]\noutput = 3\n"))
        wrong = scene.lock()
        assert wrong.exit_code == 2 and "tool.satlock.output" in wrong.stderr

    def test_of_a_workspace_the_roots(self, scene: Scene) -> None:
        scene.rewrite(pyproject("a", more='[tool.uv.workspace]\nmembers = ["m"]\n'))
        member = scene.project / "m"
        member.mkdir()
        (member / "pyproject.toml").write_text(pyproject("c").replace('"proj"', '"m"'))
        scene.lock("-o", str(scene.project / "uv.lock"))
        done = CliRunner().invoke(
            satlock, ["lock", "--check", "--project", str(member), "--corpus", str(scene.snapshot)]
        )
        assert done.exit_code == 0, done.stderr
        assert not (member / "pylock.toml").exists()

    def test_export_and_hooks_mean_the_same(self, scene: Scene) -> None:
        scene.lock("-o", str(scene.project / "uv.lock"))
        done = run("export", "--no-index-lines", env={"PYTHONPATH": os.getcwd()}, cwd=scene.project)
        assert done.returncode == 0 and "a==2.0" in done.stdout
        plain = ("lock", "--check", "--quiet", "--corpus", str(scene.snapshot))
        assert run(*plain, cwd=scene.project).returncode == 0
        scene.rewrite(pyproject("a", "b<2", more='[dependency-groups]\ndev = ["c"]\n'))
        assert run(*plain, cwd=scene.project).returncode == 1
        fixed = run("lock", "--quiet", "--corpus", str(scene.snapshot), cwd=scene.project)
        assert fixed.returncode == 0 and scene.files() == ["pyproject.toml", "uv.lock"]


class TestWhetherThereIsOne:
    def test_frozen(self, scene: Scene) -> None:
        for option in ("--frozen", "--check-exists"):
            assert scene.lock(option).exit_code == 1
        scene.lock()
        scene.rewrite(pyproject("c"))
        for arguments, env in ((("--frozen",), {}), ((), {"UV_FROZEN": "1"})):
            assert scene.lock(*arguments, env=env).exit_code == 0
        scene.lockfile.write_text("nonsense")
        assert scene.lock("--frozen").exit_code == 2

    def test_frozen_counts_what_locking_counts(self, scene: Scene) -> None:
        for output in ("uv.lock", "pylock.toml"):
            locked = scene.lock("-o", str(scene.project / output)).stderr
            there = scene.lock("--frozen", "-o", str(scene.project / output)).stderr
            assert re.findall(r"\d+ packages?", there) == re.findall(r"Locked: (\d+ packages?)", locked), there

    def test_locked(self, scene: Scene) -> None:
        scene.lock()
        before = scene.lockfile.read_bytes()
        scene.rewrite(pyproject("c"))
        for arguments, env in ((("--locked",), {}), ((), {"UV_LOCKED": "true"})):
            assert scene.lock(*arguments, env=env).exit_code == 1
        assert scene.lockfile.read_bytes() == before


class TestIndexesAndFolders:
    @pytest.fixture
    def files(self, scene: Scene) -> Path:
        """A folder with one wheel, and a project that only this folder serves."""
        folder = scene.project / "files"
        folder.mkdir()
        (folder / "d-1.0-py3-none-any.whl").write_bytes(wheel("files", "d", "1.0", Dist(), "py3-none-any"))
        scene.rewrite(pyproject("d"))
        return folder

    @pytest.mark.parametrize("as_setting", [False, True])
    def test_no_index(self, scene: Scene, files: Path, as_setting: bool) -> None:
        arguments = ["--no-index", "--find-links", "files"]
        if as_setting:
            scene.rewrite(pyproject("d", more='[tool.uv]\nno-index = true\nfind-links = ["files"]\n'))
            arguments = []
        done = run("lock", "--no-cache", *arguments, cwd=scene.project)
        assert done.returncode == 0, done.stderr
        assert scene.entries() == [("d", "1.0")]
        alone = scene.lock("--no-index", "--upgrade") if not as_setting else None
        assert alone is None or (alone.exit_code == 2 and "there are no find-links" in alone.stderr)

    def test_another_folder(self, scene: Scene, files: Path) -> None:
        arguments = ("lock", "--no-cache", "--no-index", "-f", "files")
        for more, env in (
            (("--directory", str(scene.project)), {}),
            ((), {"UV_WORKING_DIR": str(scene.project)}),
        ):
            assert run(*arguments, *more, env=env).returncode == 0
        done = run(
            "lock", "--check", "--no-cache", "--no-index", "-f", str(files), env={"UV_PROJECT": str(scene.project)}
        )
        assert done.returncode in (0, 1) and "pylock.toml" in done.stderr
        assert run("lock", "--directory", str(files / "nowhere")).returncode == 2

    def test_an_index_without_a_name(self, tmp_path: Path) -> None:
        elsewhere = {"a": {"3.0": Dist()}}
        world = world_of(PACKAGES, pyproject("a"), other=elsewhere)
        scene = scene_of(world, tmp_path)
        other = next(url for url in world.indexes if url.endswith("/other"))
        assert scene.lock("--index", other).exit_code == 0
        assert scene.entries() == [("a", "3.0")]
        assert scene.lock("--upgrade", "--extra-index-url", other).exit_code == 0

    def test_sources_are_passed_over(self, scene: Scene) -> None:
        """What is published has no sources: then a and b come from the index."""
        folder = scene.project / "b"
        folder.mkdir()
        (folder / "pyproject.toml").write_text(pyproject().replace('"proj"', '"b"').replace("0.1.0", "9.0"))
        scene.rewrite(pyproject("a", more='[tool.uv.sources]\nb = { path = "b" }\n'))
        scene.lock()
        assert "directory" in scene.lockfile.read_text()
        for arguments, env in (
            (("--no-sources",), {}),
            (("--no-sources-package", "b"), {}),
            ((), {"UV_NO_SOURCES": "1"}),
        ):
            assert scene.lock("-U", *arguments, env=env).exit_code == 0
            assert ("b", "2.0") in scene.entries()
        assert scene.lock("-U", "--no-sources-package", "x").exit_code == 0
        assert "directory" in scene.lockfile.read_text()

    def test_offline_and_without_a_cache(self, scene: Scene) -> None:
        """The variables are options that are always given."""
        done = run("lock", env={"UV_OFFLINE": "1", "XDG_CACHE_HOME": str(scene.project / "empty")}, cwd=scene.project)
        assert done.returncode == 3 and "offline" in done.stderr
        assert run("lock", env={"UV_OFFLINE": "perhaps"}, cwd=scene.project).returncode == 2


@pytest.mark.parametrize(
    ("more", "options", "env"),
    [
        ('[tool.uv]\nprerelease = "if-necessary-or-explicit"\n', (), {}),
        ('[tool.uv]\nprerelease-package = { a = "if-necessary-or-explicit" }\n', (), {}),
        ("", ("--prerelease", "if-necessary-or-explicit"), {}),
        ("", (), {"UV_PRERELEASE": "if-necessary-or-explicit"}),
    ],
)
def test_the_old_name_of_a_mode_is_deprecated(
    tmp_path: Path, more: str, options: tuple[str, ...], env: dict[str, str]
) -> None:
    scene = scene_of(world_of({"a": {"1.0": Dist()}}, pyproject("a", more=more)), tmp_path)
    done = scene.lock(*options, env=env)
    assert done.exit_code == 0 and done.stderr.count("deprecated") == 1, done.stderr
    plain = [option.removesuffix("-or-explicit") for option in options]
    scene.rewrite(pyproject("a", more=more.replace("-or-explicit", "")))
    assert "deprecated" not in scene.lock(*plain, env=dict.fromkeys(env, "if-necessary")).stderr
