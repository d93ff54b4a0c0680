"""``satlock lock``: what it writes, what it keeps to, what it says, and how it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from satlock.cli.commands import satlock
from satlock.cli.lockfile import Target
from tests.cli.scene import Scene, pyproject, scene_of, world_of
from tests.world import Dist, World

PACKAGES: Mapping[str, Mapping[str, Dist]] = {
    "a": {"1.0": Dist(("b",)), "2.0": Dist(("b",)), "3.0rc1": Dist()},
    "b": {"1.0": Dist(), "2.0": Dist(), "3.0": Dist(yanked="broken")},
    "c": {"1.0": Dist(), "2.0": Dist()},
}
WORLD = world_of(PACKAGES, pyproject("a"))
FORKED = ("c<2 ; python_version < '3.12'", "c>=2 ; python_version >= '3.12'")
"""Requirements that no one version of c meets."""


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return scene_of(WORLD, tmp_path)


def test_it_writes_a_lock_and_then_leaves_it_alone(scene: Scene) -> None:
    first = scene.lock()
    assert (first.exit_code, first.stdout) == (0, "")
    assert first.stderr.startswith("Locked: 2 packages (")
    assert "pre-releases: a 3.0rc1" in first.stderr and "yanked: b 3.0" in first.stderr
    assert scene.entries() == [("a", "2.0"), ("b", "2.0")]
    before = scene.lockfile.stat()
    again = scene.lock()
    assert again.exit_code == 0 and again.stderr.startswith("Already locked: 2 packages")
    after = scene.lockfile.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert scene.files() == ["pylock.toml", "pyproject.toml"]


def test_a_package_with_several_candidates_is_shown_with_where_each_holds(scene: Scene) -> None:
    scene.rewrite(pyproject(*FORKED))
    done = scene.lock()
    assert done.exit_code == 0
    assert done.stderr.splitlines()[0].startswith("Locked: 1 package, 1 of them with more than one candidate (")
    assert done.stderr.splitlines()[1:4] == [
        "  c",
        "    1.0  python_version < '3.12'",
        "    2.0  python_version >= '3.12'",
    ]


def test_standard_output(scene: Scene) -> None:
    done = scene.lock("--output", "-")
    assert done.exit_code == 0 and done.stdout.startswith('lock-version = "1.0"')
    assert scene.files() == ["pyproject.toml"]
    scene.lock()
    assert scene.lockfile.read_text(encoding="utf-8") == done.stdout


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_certificate_of_a_lock_holds(mark: str, scene: Scene) -> None:
    """Also where an editor has put a byte order mark before the project's file."""
    scene.rewrite(mark + (scene.project / "pyproject.toml").read_text(encoding="utf-8"))
    folder = scene.project / "proof"
    assert scene.lock("--certificate", str(folder)).exit_code == 0
    checked = CliRunner().invoke(satlock, ["check", str(folder)])
    assert checked.exit_code == 0, checked.output
    scene.lockfile.write_text(scene.lockfile.read_text(encoding="utf-8") + "# touched", encoding="utf-8")
    assert CliRunner().invoke(satlock, ["check", str(folder)]).exit_code == 1


def test_quiet_says_nothing_and_verbose_more(scene: Scene) -> None:
    assert (scene.lock("--quiet").output, scene.lock("-q").output) == ("", "")
    assert "calls of the SAT solver" in scene.lock("--verbose", "--upgrade").stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--output", "pylock.toml", "--format", "uv"), "drop one of them"),
        (("--output", "lock.toml"), "does not tell its format"),
        (("--output", "pylock.a.b.toml"), "does not tell its format"),
        (("--output", "{project}", "--format", "pylock"), "is a folder"),
        (("--certificate", "x", "--output", "-"), "written to a file"),
        (("--objective", "best"), "Invalid value"),
        (("--exclude-newer", "soon"), "neither a timestamp, a date nor a duration"),
        (("--index", "nameless"), "is neither NAME=URL nor URL"),
        (("--index", "name=nowhere"), "is not NAME=URL"),
        (("--default-index", "nowhere"), "is not a URL"),
        (("--upgrade-package", "no name"), "--upgrade-package"),
        (("--check", "--upgrade"), "contradict"),
        (("--check", "--output", "-"), "needs a lock"),
        (("--json", "--output", "-"), "both print"),
        (("--nonsense",), "No such option"),
        (("extra", "more"), "unexpected extra argument"),
        (("gone",), "pyproject.toml cannot be read"),
    ],
)
def test_a_wrong_command_is_told_in_one_sentence(scene: Scene, arguments: tuple[str, ...], said: str) -> None:
    done = scene.lock(*(argument.format(project=scene.project) for argument in arguments))
    assert done.exit_code == 2, done.output
    assert said in done.stderr and (done.stdout == "" or "--json" in arguments)
    assert scene.files() == ["pyproject.toml"]


def test_the_name_or_the_format_decides(scene: Scene) -> None:
    for name, form in (("pylock.dev.toml", ()), ("other.txt", ("--format", "pylock"))):
        target = scene.project / name
        assert scene.lock("--output", str(target), *form).exit_code == 0
        assert target.read_text(encoding="utf-8").startswith("lock-version")


def test_a_project_may_be_named_by_its_file(scene: Scene) -> None:
    done = CliRunner().invoke(
        satlock, ["lock", "--project", str(scene.project / "pyproject.toml"), "--corpus", str(scene.snapshot)]
    )
    assert done.exit_code == 0 and scene.lockfile.exists()


def test_the_resolution_of_the_project_counts_where_the_option_is_not_given(scene: Scene) -> None:
    scene.rewrite(pyproject("a", more='[tool.uv]\nresolution = "lowest"\n'))
    scene.lock()
    assert scene.entries() == [("a", "1.0"), ("b", "1.0")]
    scene.lock("--upgrade", "--objective", "lowest-direct")
    assert scene.entries() == [("a", "1.0"), ("b", "2.0")]
    scene.lock("--upgrade", "--objective", "newest-first")
    assert scene.entries() == [("a", "2.0"), ("b", "2.0")]


def test_exclude_newer(tmp_path: Path) -> None:
    packages = {"a": {"1.0": Dist(), "2.0": Dist(upload_time="2025-01-01T00:00:00Z")}}
    scene = scene_of(world_of(packages, pyproject("a")), tmp_path)
    assert scene.lock("--exclude-newer", "2024-06-01").exit_code == 0
    assert scene.entries() == [("a", "1.0")]
    scene.rewrite(pyproject("a", more='[tool.uv]\nexclude-newer = "2024-06-01"\n'))
    assert scene.lock("--upgrade", "--exclude-newer", "false").exit_code == 0
    assert scene.entries() == [("a", "2.0")]
    assert scene.lock("--upgrade").exit_code == 0
    assert scene.entries() == [("a", "1.0")]


OLD = ("--upgrade-package", "a<2", "--upgrade-package", "b<2")
"""What makes a lock that is not at its newest."""


def test_what_is_locked_is_kept(scene: Scene) -> None:
    scene.lock(*OLD)
    old = [("a", "1.0"), ("b", "1.0")]
    scene.lock()
    assert scene.entries() == old
    scene.rewrite(pyproject("a", *FORKED))
    scene.lock("--upgrade-package", "B")
    assert scene.entries() == [("a", "1.0"), ("b", "2.0"), ("c", "1.0"), ("c", "2.0")]
    scene.lock("--upgrade")
    assert scene.entries() == [("a", "2.0"), ("b", "2.0"), ("c", "1.0"), ("c", "2.0")]


@pytest.mark.parametrize(
    "text",
    [
        "lock-version = ",
        'lock-version = "9.0"\n',
        'lock-version = "1.0"\ncreated-by = "x"\npackages = [{ name = "a", marker = "nonsense" }]\n',
        'lock-version = "1.0"\ncreated-by = "x"\npackages = 3\n',
        "\x00",
    ],
)
def test_a_broken_lock_is_told_and_left_as_it_is(scene: Scene, text: str) -> None:
    scene.lockfile.write_text(text, encoding="utf-8")
    for arguments in ((), ("--check",)):
        done = scene.lock(*arguments)
        assert done.exit_code == 2 and "is not a valid lock" in done.stderr and "--upgrade" in done.stderr
        assert scene.lockfile.read_text(encoding="utf-8") == text
    assert scene.lock("--upgrade").exit_code == 0
    assert scene.entries() == [("a", "2.0"), ("b", "2.0")]


def test_a_lock_that_is_no_text(scene: Scene) -> None:
    scene.lockfile.write_bytes(b"\xff\xfe")
    assert scene.lock().exit_code == 2


class TestCheck:
    def check(self, scene: Scene) -> tuple[int, str]:
        before = scene.lockfile.read_bytes() if scene.lockfile.exists() else None
        done = scene.lock("--check")
        assert (scene.lockfile.read_bytes() if scene.lockfile.exists() else None) == before
        return done.exit_code, done.stderr

    def test_no_lock(self, scene: Scene) -> None:
        code, said = self.check(scene)
        assert code == 1 and "There is no lock at " in said

    def test_a_valid_one_also_where_it_is_not_the_newest(self, scene: Scene) -> None:
        scene.lock(*OLD)
        code, said = self.check(scene)
        assert code == 0 and said.startswith("Valid: 2 packages")

    def test_markers_count_by_what_they_mean(self, scene: Scene) -> None:
        scene.rewrite(pyproject(*FORKED))
        scene.lock()
        text = scene.lockfile.read_text(encoding="utf-8")
        assert "python_version >= '3.12'" in text or 'python_version >= \\"3.12\\"' in text
        spelled = text.replace("python_version", "python_full_version")
        scene.lockfile.write_text(spelled, encoding="utf-8")
        assert self.check(scene)[0] == 0
        scene.lockfile.write_text(text.replace("3.12", "3.13"), encoding="utf-8")
        code, said = self.check(scene)
        assert (
            code == 1
            and "it has c 1.0 for Python 3.12.0" in said
            and "requires c>=2 ; python_version >= '3.12'" in said
        )

    @pytest.mark.parametrize(
        ("changed", "reason"),
        [
            (pyproject("a", *FORKED), "it lacks c for Python 3.11.0 on linux"),
            (pyproject("b"), "it has a 2.0, which the project does not need"),
            (pyproject("a<2"), "it has a 2.0 for Python 3.11.0 on linux (x86_64), where the project requires a<2"),
            (pyproject("a", requires_python=">=3.10"), "it is for Python >=3.11, and the project admits >=3.10"),
            (pyproject("a", more="[project.optional-dependencies]\nx = []\n"), "it lacks the extras x of the project"),
            (pyproject("a", more="[dependency-groups]\ndev = []\n"), "it lacks the dependency groups dev"),
        ],
    )
    def test_a_project_that_has_changed(self, scene: Scene, changed: str, reason: str) -> None:
        scene.lock()
        scene.rewrite(changed)
        code, said = self.check(scene)
        assert code == 1 and reason in said, said

    def test_a_lock_covers_what_the_project_admits(self, scene: Scene) -> None:
        wide, narrow = pyproject("a"), pyproject("a", more="[tool.uv]\nenvironments = [\"os_name == 'nt'\"]\n")
        scene.lock()
        scene.rewrite(narrow)
        assert self.check(scene)[0] == 0
        scene.lock("--upgrade")
        scene.rewrite(wide)
        code, said = self.check(scene)
        assert code == 1 and "it does not cover all of the project's environments" in said

    def test_a_hash_that_is_not_the_one_of_the_index(self, scene: Scene) -> None:
        scene.lock()
        text = scene.lockfile.read_text(encoding="utf-8")
        digest = text.partition('sha256 = "')[2][:64]
        scene.lockfile.write_text(text.replace(digest, "0" * 64), encoding="utf-8")
        code, said = self.check(scene)
        assert code == 1 and "it has a hash for a-2.0-py3-none-any.whl" in said

    def test_a_project_that_has_no_lock_any_more(self, scene: Scene) -> None:
        scene.lock()
        scene.rewrite(pyproject("a>9"))
        code, said = self.check(scene)
        assert code == 1 and "where the project requires a>9" in said


class TestJson:
    def test_a_lock(self, scene: Scene) -> None:
        scene.rewrite(pyproject("a", *FORKED))
        done = scene.lock("--json")
        report = json.loads(done.stdout)
        assert list(report) == [
            *("schema", "version", "status", "lockfile", "format", "objective", "counts", "packages", "regions"),
            *("several", "behind", "left-out", "yanked", "without-file", "notes", "times", "solver", "cells"),
            "changes",
        ]
        assert report["status"] == "locked" and report["objective"] == "fresh"
        assert report["counts"]["packages"] == 3 and report["counts"]["candidates"] == 4
        assert [(one["name"], one["version"]) for one in report["packages"]] == scene.entries()
        assert report["packages"][0]["marker"] is None
        assert report["regions"] == [
            {"marker": None, "candidates": 2},
            {"marker": "python_version < '3.12'", "candidates": 1},
            {"marker": "python_version >= '3.12'", "candidates": 1},
        ]
        assert report["several"] == {
            "c": [
                {"version": "1.0", "index": WORLD.default_index, "marker": "python_version < '3.12'"},
                {"version": "2.0", "index": WORLD.default_index, "marker": "python_version >= '3.12'"},
            ]
        }
        assert {"name": "b", "version": "3.0", "reason": "was yanked"} in report["left-out"]
        assert set(report["times"]) >= {"reading", "search", "metadata", "listings", "writing", "total"}
        assert report["solver"]["rounds"] > 0
        assert json.loads(scene.lock("--json").stdout)["status"] == "unchanged"
        assert json.loads(scene.lock("--json", "--check").stdout)["status"] == "valid"

    def test_an_old_lock_and_none(self, scene: Scene) -> None:
        scene.lock()
        scene.rewrite(pyproject("a<2"))
        done = scene.lock("--json", "--check")
        report = json.loads(done.stdout)
        assert (done.exit_code, report["status"]) == (1, "out of date")
        assert report["reason"] == "it has a 2.0 for Python 3.11.0 on linux (x86_64), where the project requires a<2"
        scene.rewrite(pyproject("a>9"))
        done = scene.lock("--json")
        report = json.loads(done.stdout)
        assert (done.exit_code, report["status"]) == (1, "no lock")
        assert report["explanation"][0].startswith("No lock exists")
        assert report["environment"]["markers"]["python_full_version"] == "3.11.0"


class TestEndings:
    def test_no_lock_is_explained(self, scene: Scene) -> None:
        scene.rewrite(pyproject("a>9"))
        done = scene.lock()
        assert done.exit_code == 1
        assert done.stderr.splitlines()[:4] == [
            "error: No lock exists: no version of a fits >9.",
            "These cannot all hold:",
            "  - the project requires a>9 (project.dependencies)",
            f"  - no version of a fits: {WORLD.default_index} has 1.0 to 3.0rc1",
        ]

    def test_no_lock_for_want_of_what_could_not_be_read(self, tmp_path: Path) -> None:
        scene = scene_of(world_of({"a": {"1.0": Dist(broken="it is cut off")}}, pyproject("a")), tmp_path)
        done = scene.lock()
        assert done.exit_code == 3 and "it is cut off" in done.stderr

    def test_a_project_that_is_wrong(self, scene: Scene) -> None:
        scene.rewrite(pyproject("a", more='[tool.uv]\nconflicts = [[{ extra = "x" }, { extra = "y" }]]\n'))
        done = scene.lock()
        assert done.exit_code == 2 and "unknown extra 'x'" in done.stderr

    def test_warnings_are_told(self, scene: Scene) -> None:
        scene.rewrite(pyproject("a", more="[tool.uv]\nnonsense = 1\n"))
        done = scene.lock("--quiet")
        assert done.exit_code == 0 and done.stderr.startswith("warning: ") and "nonsense" in done.stderr

    def test_an_extra_that_does_not_exist_is_noted(self, scene: Scene) -> None:
        scene.rewrite(pyproject("a[x]"))
        done = scene.lock()
        assert done.exit_code == 0 and "a 2.0 has no extra 'x', which something asks for" in done.stderr

    def test_a_snapshot_that_is_none(self, scene: Scene) -> None:
        scene.snapshot.write_bytes(b"nothing")
        assert scene.lock().exit_code == 2
        scene.snapshot.unlink()
        assert scene.lock().exit_code == 2

    def test_a_package_that_the_snapshot_does_not_know(self, scene: Scene) -> None:
        scene.rewrite(pyproject("unheard-of"))
        done = scene.lock()
        assert done.exit_code == 3 and "unheard-of" in done.stderr

    def test_a_bug_is_one_sentence(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: object, **__: object) -> None:
            raise ZeroDivisionError("by\x1b[2J nothing")

        monkeypatch.setattr("satlock.solver.locking.lock", broken)
        done = scene.lock()
        assert done.exit_code == 3 and "this is a bug in satlock" in done.stderr
        assert "ZeroDivisionError" in done.stderr and "Traceback" not in done.stderr and "\x1b[2J" not in done.stderr
        assert "Traceback" in scene.lock(env={"SATLOCK_TRACEBACK": "1"}).stderr

    def test_an_interruption(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("satlock.solver.locking.lock", interrupted)
        assert scene.lock().exit_code == 130
        assert scene.files() == ["pyproject.toml"]


class TestWriting:
    def test_a_write_that_fails_leaves_the_old_lock(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        scene.lock("--objective", "lowest")
        before = scene.lockfile.read_bytes()

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("satlock.cli.lockfile.os.replace", full)
        done = scene.lock("--upgrade")
        assert done.exit_code == 3 and "No space left on device" in done.stderr
        assert scene.lockfile.read_bytes() == before
        assert scene.files() == ["pylock.toml", "pyproject.toml"]

    def test_a_folder_that_is_not_there(self, scene: Scene) -> None:
        done = scene.lock("--output", str(scene.project / "nowhere" / "pylock.toml"))
        assert done.exit_code == 3 and "cannot be written" in done.stderr

    @pytest.mark.skipif(os.name == "nt", reason="modes and links are POSIX here")
    def test_modes_and_links_are_kept(self, tmp_path: Path) -> None:
        real, link = tmp_path / "real.toml", tmp_path / "pylock.toml"
        real.write_text("old", encoding="utf-8")
        real.chmod(0o640)
        link.symlink_to(real)
        Target(link).write("new")
        assert link.is_symlink() and real.read_text(encoding="utf-8") == "new"
        assert real.stat().st_mode & 0o777 == 0o640


def test_the_same_lock_whatever_world_it_is_read_from(tmp_path: Path) -> None:
    texts = []
    for name, packages in (("one", PACKAGES), ("two", dict(reversed(list(PACKAGES.items()))))):
        scene = scene_of(World(pyproject("a", *FORKED), {WORLD.default_index: packages}), tmp_path / name)
        scene.lock()
        texts.append(scene.lockfile.read_bytes())
    assert texts[0] == texts[1]


def test_version_and_help() -> None:
    assert CliRunner().invoke(satlock, ["--version"]).output.startswith("satlock")
    for arguments in (["--help"], ["lock", "--help"]):
        done = CliRunner().invoke(satlock, arguments)
        assert done.exit_code == 0 and done.stdout.startswith("Usage: ")
    assert CliRunner().invoke(satlock, ["nonsense"]).exit_code == 2
