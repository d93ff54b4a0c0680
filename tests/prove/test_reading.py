"""Readers: every format, and one clear sentence for whatever is broken."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from satlock.encoder.project.project import ProjectError
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.proofs.unique import prove_unique
from tests.prove.deciding_locks import pdm_text, poetry_text, pylock_text, random_deciding
from tests.prove.locks import origin_lock, write_lock
from tests.prove.random_locks import random_uv, uv_text

UV = 'version = 1\nrequires-python = ">=3.9"\n'
ROOT = '[[package]]\nname = "app"\nversion = "0"\nsource = { virtual = "." }\n'
ONE = '[[package]]\nname = "a"\nversion = "{}"\nsource = {{ registry = "https://index.example/simple" }}\n'

DEEP = "(" * 500 + "os_name == " + ")" * 500

BROKEN = {
    "uv.lock": [
        "", "\x00", "version = 1\n[[package", "version = 2\n", 'version = "1"\n', "version = 1\npackage = 3\n",
        "version = 1\npackage = [3]\n", UV + '[[package]]\nname = "a"\n', UV + '[[package]]\nname = 3\nsource = {}\n',
        UV + '[[package]]\nname = "a"\nsource = { virtual = ".", git = "x" }\n',
        UV + '[[package]]\nname = "-a-"\nsource = { virtual = "." }\n',
        UV + ROOT + "dependencies = [{ name = 'gone' }]\n", UV + ROOT + "dependencies = [{}]\n",
        UV + ROOT + "dependencies = ['a']\n",
        UV + ROOT + 'dependencies = [{ name = "a" }]\n' + ONE.format(1) + ONE.format(2),
        UV + ROOT + 'dependencies = [{ name = "a", marker = "nonsense" }]\n' + ONE.format(1),
        UV + ROOT + 'dependencies = [{ name = "a", marker = 5 }]\n' + ONE.format(1),
        UV + ROOT + f'dependencies = [{{ name = "a", marker = "{DEEP}" }}]\n' + ONE.format(1),
        UV + ROOT + """dependencies = [{ name = "a", marker = "extra < 'x'" }]\n""" + ONE.format(1),
        UV + ROOT + """dependencies = [{ name = "a", marker = "'x' in extras" }]\n""" + ONE.format(1),
        UV + ROOT + """dependencies = [{ name = "a", marker = "os_name == sys_platform" }]\n""" + ONE.format(1),
        UV + ONE.format(1), UV + ROOT + ROOT, UV.replace(">=3.9", ">=3.9,<3.9") + ROOT,
        UV.replace(">=3.9", "soon") + ROOT,
        "conflicts = [[3]]\n" + UV + ROOT, "conflicts = [[{ extra = 'a' }]]\n" + UV + ROOT,
        UV + '[manifest]\nmembers = ["gone"]\n' + ROOT, "supported-markers = ['x']\n" + UV + ROOT,
        "a = " + "[" * 100_000,
    ],
    "pylock.toml": [
        "", 'lock-version = "2.0"\ncreated-by = "x"\npackages = []\n', 'lock-version = "1.0"\npackages = 3\n',
        'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "a"\nmarker = "nonsense"\nversion = "1"\n',
        """lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "a"\nmarker = "extra == 'x'"\n"""
        """[packages.directory]\npath = "."\n[[packages]]\nname = "a"\n[packages.directory]\npath = "b"\n""",
    ],
    "poetry.lock": [
        "", '[metadata]\nlock-version = "2.0"\n', '[metadata]\nlock-version = "2.1"\n[[package]]\nname = "a"\n',
        '[metadata]\nlock-version = "2.1"\npython-versions = "soon"\n',
        '[metadata]\nlock-version = "2.1"\n[[package]]\nname = "a"\nversion = "1"\ngroups = ["main"]\nmarkers = "x"\n',
        "[metadata]\nlock-version = 3\n",
    ],
    "pdm.lock": [
        "", '[metadata]\nlock_version = "3.0"\n', '[metadata]\nlock_version = "4.5.0"\nstrategy = []\n',
        '[metadata]\nlock_version = "4.5.0"\nstrategy = ["inherit_metadata"]\n[[package]]\nname = "a"\n',
    ],
    "other.lock": ["", "a = 1\n", "[metadata]\n"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BROKEN.items() for text in texts])
def test_broken(name: str, text: str, tmp_path: Path) -> None:
    path = write_lock(tmp_path, text, name)
    with pytest.raises(ProjectError) as caught:
        prove_unique(read_lockfile(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


def test_not_there_and_not_text(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot be read"):
        read_lockfile(tmp_path / "uv.lock")
    (tmp_path / "uv.lock").write_bytes(b"version = \xff")
    with pytest.raises(ProjectError, match="UTF-8"):
        read_lockfile(tmp_path / "uv.lock")
    (tmp_path / "poetry.lock").mkdir()
    with pytest.raises(ProjectError):
        read_lockfile(tmp_path / "poetry.lock")


@pytest.mark.parametrize("name", ["uv.lock", "pylock.toml", "poetry.lock", "pdm.lock"])
def test_anything_hostile_is_one_error(name: str, tmp_path: Path) -> None:
    """Truncated, doubled and scrambled locks are read or refused, and nothing else."""
    chance = random.Random(name)
    for seed in range(60):
        inner = random.Random(seed)
        text = {
            "uv.lock": lambda: uv_text(random_uv(inner)),  # noqa: B023
            "pylock.toml": lambda: pylock_text(random_deciding(inner, [("extra", "a")], ())),  # noqa: B023
            "poetry.lock": lambda: poetry_text(random_deciding(inner, [("extra", "a")], ("main",))),  # noqa: B023
            "pdm.lock": lambda: pdm_text(random_deciding(inner, [], ("default",))),  # noqa: B023
        }[name]()
        lines = text.splitlines()
        for _ in range(3):
            place = chance.randrange(len(lines))
            kind = chance.randrange(4)
            if kind == 0:
                del lines[place]
            elif kind == 1:
                lines.insert(chance.randrange(len(lines)), lines[place])
            elif kind == 2:
                lines[place] = lines[place].replace('"', "", 1)
            else:
                key, _, _ = lines[place].partition("=")
                lines[place] = f"{key}= {chance.choice(('3', '[]', '{}', 'true', '[[1]]', '1979-05-27', '[{}]'))}"
        path = write_lock(tmp_path, "\n".join(lines) + "\n", name)
        try:
            prove_unique(read_lockfile(path))
        except ProjectError as error:
            assert "\n" not in str(error)


def test_names_the_format_by_what_it_holds(tmp_path: Path) -> None:
    for seed in range(3):
        for text, kind in (
            (origin_lock(), "uv"),
            (pylock_text(random_deciding(random.Random(seed), [], ())), "pylock"),
            (poetry_text(random_deciding(random.Random(seed), [], ("main",))), "poetry"),
            (pdm_text(random_deciding(random.Random(seed), [], ("default",))), "pdm"),
        ):
            assert read_lockfile(write_lock(tmp_path, text, "some.lock")).lockfile.kind == kind


def test_pdm_extras_of_one_candidate_are_one(tmp_path: Path) -> None:
    head = '[metadata]\nlock_version = "4.5.0"\nstrategy = ["inherit_metadata"]\ngroups = ["default"]\n'
    entry = '[[package]]\nname = "a"\nversion = "{}"\nextras = {}\ngroups = ["default"]\n'
    path = write_lock(tmp_path, head + entry.format(1, "[]") + entry.format(1, '["x"]'), "pdm.lock")
    assert len(read_lockfile(path).lockfile.entries) == 1
    path = write_lock(tmp_path, head + entry.format(1, "[]") + entry.format(2, '["x"]'), "pdm.lock")
    assert not prove_unique(read_lockfile(path)).answers[0].proven
