"""The Python API: what :mod:`satlock` offers, held against what the commands do."""

from __future__ import annotations

import doctest
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import satlock

ROOT = Path(__file__).parents[1]
SNAPSHOT = "corpora/origin/origin.snapshot"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the recorded project of the README in it, as in a checkout."""
    origin = tmp_path / "corpora" / "origin"
    origin.mkdir(parents=True)
    for name in ("pyproject.toml", "origin.snapshot"):
        shutil.copy(ROOT / "corpora" / "origin" / name, origin / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_docstring_s_example(checkout: Path) -> None:
    failed, tried = doctest.testmod(satlock)
    assert tried > 5 and not failed


def test_every_name_is_there_and_has_a_meaning() -> None:
    for name in satlock.__all__:
        found = getattr(satlock, name)
        assert isinstance(found, str) or found.__doc__, name
    assert set(satlock.__all__) <= set(dir(satlock))
    with pytest.raises(AttributeError):
        satlock.unknown  # type: ignore[attr-defined]  # noqa: B018


def test_an_import_brings_nothing_slow_along() -> None:
    said = "import satlock, sys; print([m for m in sys.modules if m.partition('.')[0] in " \
        "('z3', 'pysat', 'httpx', 'click', 'packaging', 'dataclasses')])"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_version_is_that_of_the_command() -> None:
    told = subprocess.run([sys.executable, "-m", "satlock", "--version"], capture_output=True, text=True, check=True)
    assert told.stdout == f"satlock {satlock.__version__}\n"


@pytest.mark.parametrize("form", ["pylock", "uv"])
def test_a_lock_is_the_one_that_the_command_writes(checkout: Path, form: satlock.api.Format) -> None:
    written = satlock.lock("corpora/origin", format=form, corpus=SNAPSHOT).write()
    ours = written.read_bytes()
    assert written.name == ("uv.lock" if form == "uv" else "pylock.toml")
    written.unlink()
    command = ["lock", "--project", "corpora/origin", "--corpus", SNAPSHOT, "--format", form]
    subprocess.run([sys.executable, "-m", "satlock", *command], check=True, capture_output=True)
    assert written.read_bytes() == ours


def test_a_lock_that_is_kept_to(checkout: Path) -> None:
    project = checkout / "corpora" / "origin"
    newest = satlock.lock(project, corpus=SNAPSHOT)
    older = satlock.lock(project, corpus=SNAPSHOT, objective="lowest")
    kept = satlock.lock(project, corpus=SNAPSHOT, keep=older.write(checkout / "pylock.old.toml"))

    def without_builds(lock: satlock.Lock) -> list[str]:
        return [str(package) for package in lock.packages if package.name not in ("torch", "triton")]

    assert without_builds(newest) != without_builds(older) == without_builds(kept)


def test_a_lock_that_does_not_exist(checkout: Path) -> None:
    project = checkout / "impossible"
    project.mkdir()
    text = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.12"\ndependencies = ["torch<2", "torch>2"]\n'
    (project / "pyproject.toml").write_text(text)
    with pytest.raises(satlock.NoLock, match="no version of torch") as none:
        satlock.lock(project, corpus=SNAPSHOT)
    assert any("torch<2" in line for line in none.value.story)
    assert none.value.environment and "markers" in none.value.environment


def test_wrong_input_is_told_as_such(checkout: Path) -> None:
    with pytest.raises(satlock.ProjectError, match="objective"):
        satlock.lock("corpora/origin", corpus=SNAPSHOT, objective="best")  # type: ignore[arg-type]
    with pytest.raises(satlock.ProjectError, match="exclude_newer"):
        satlock.lock("corpora/origin", corpus=SNAPSHOT, exclude_newer="some day")
    with pytest.raises(satlock.ProjectError, match="requires_python"):
        satlock.lock("corpora/origin", corpus=SNAPSHOT, requires_python="new")
    with pytest.raises(satlock.ProjectError, match="nowhere"):
        satlock.lock("corpora/origin", corpus=SNAPSHOT, keep="nowhere/pylock.toml")
    with pytest.raises(satlock.ProjectError, match="pyproject"):
        satlock.lock("nowhere", corpus=SNAPSHOT)
    with pytest.raises(satlock.CorpusError):
        satlock.lock("corpora/origin", corpus="nowhere.snapshot")
    with pytest.raises(satlock.ProjectError, match=r"nowhere\.toml"):
        satlock.prove("nowhere.toml")


def test_a_refutation_has_its_counterexample(checkout: Path) -> None:
    lockfile = satlock.lock("corpora/origin", corpus=SNAPSHOT).write()
    text = lockfile.read_text(encoding="utf-8")
    plain = 'marker = "\\"cpu\\" not in extras and \\"cu124\\" not in extras"'
    assert plain in text
    lockfile.write_text(text.replace(plain, 'marker = "\\"cpu\\" not in extras"'), encoding="utf-8")
    proof = satlock.prove(lockfile, packages=["torch", "jinja2"])
    torch, jinja = proof.answers
    assert not proof.proven and jinja.proven and not torch.proven
    assert torch.counterexample and torch.counterexample["extras"] == ["cu124"]
    assert any("cu124" in line for line in torch.story)


def test_further_properties(checkout: Path) -> None:
    lockfile = satlock.lock("corpora/origin", corpus=SNAPSHOT).write()
    assert satlock.prove(lockfile, "index-pins").proven
    assert not satlock.prove(lockfile, "installable").proven  # torch 2.5.1 has no files for Python 3.14
    assert satlock.prove(lockfile, "installable", environments="python_full_version == '3.12.*'").answers
    assert satlock.prove(lockfile, "complete", corpus=SNAPSHOT).proven


def test_a_certificate_that_was_changed(checkout: Path) -> None:
    lockfile = satlock.lock("corpora/origin", corpus=SNAPSHOT).write()
    satlock.prove(lockfile, certificate="proof")
    assert satlock.check("proof", lockfile)
    lockfile.write_text(lockfile.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(satlock.BadCertificate):
        satlock.check("proof", lockfile)
