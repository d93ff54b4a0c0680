"""Forged certificates, by kind. Each is made from an honest one, and each is to be refused with a reason.

A forger controls everything in the folder of the certificate, and may leave further files beside it; the digests in the
manifest fit whatever was changed (:func:`tests.prove.scenes.sign`), except where that is the forgery.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from satlock.solver.checking.parts import VERSION
from satlock.solver.lockfiles.markers import read_marker
from satlock.solver.proofs.certificate import _written
from satlock.solver.proofs.elaboration import elaborate, logged_proof
from satlock.solver.proofs.optimality import _formula
from tests.prove.locks import origin_lock, write_lock
from tests.prove.scenes import PINNED, bind, digest_of, edit, sign

__all__ = ["FORGERIES", "Forgery", "Given"]


class Given(NamedTuple):
    """What the command line says besides the folder of the certificate."""

    lockfile: str | None = None
    project: str | None = None


class Forgery(NamedTuple):
    kind: str
    what: str
    scene: str
    forge: Callable[[Path], Given | None]
    """Works in the folder of the lockfile; the certificate is in ``c``."""


TWO_BUILDS = origin_lock(kept=("cu124",))
"""Installs two builds of torch."""
DECOY = """
[project]
name = "proj"
[project.optional-dependencies]
cpu = []
cu = []
[tool.uv]
conflicts = [[{ extra = "cpu" }, { extra = "cu" }]]
"""
PLAIN = DECOY.partition("[tool.uv]")[0]
PYLOCK_OF_TWO = """
lock-version = "1.0"
created-by = "a test"
extras = ["cpu", "cu"]
[[packages]]
name = "torch"
version = "1"
marker = "'cpu' in extras"
directory = { path = "one" }
[[packages]]
name = "torch"
version = "2"
marker = "'cu' in extras"
directory = { path = "two" }
"""


def _of_words(scene: str, name: str, *changes: tuple[str, Callable[[Any], object]]) -> Iterator[Forgery]:
    """Changes of one JSON file of a certificate."""
    for what, change in changes:

        def forge(folder: Path, change: Callable[[Any], object] = change) -> None:
            edit(folder / "c" / name, change)
            sign(folder / "c")

        yield Forgery("", what, scene, forge)


def _of_lines(scene: str, name: str, *changes: tuple[str, Callable[[list[str]], object]]) -> Iterator[Forgery]:
    """Changes of the lines of one file of a certificate."""
    for what, change in changes:

        def forge(folder: Path, change: Callable[[list[str]], object] = change) -> None:
            path = folder / "c" / name
            lines = path.read_text().splitlines()
            change(lines)
            if name.endswith(".cnf"):
                lines[0] = f"{' '.join(lines[0].split()[:3])} {len(lines) - 1}"
            path.write_text("\n".join(lines) + "\n")
            sign(folder / "c")

        yield Forgery("", what, scene, forge)


def _of_manifest(scene: str, *changes: tuple[str, Callable[[Any], object]]) -> Iterator[Forgery]:
    """Changes of the manifest, whose digests nothing else covers."""
    for what, change in changes:

        def forge(folder: Path, change: Callable[[Any], object] = change) -> None:
            edit(folder / "c" / "manifest.json", change)

        yield Forgery("", what, scene, forge)


def _steps(scene: str, *steps: tuple[str, Callable[[Path], Given | None]]) -> Iterator[Forgery]:
    for what, forge in steps:
        yield Forgery("", what, scene, forge)


# -- what is checked


def _decoy(stated: Callable[[Path], str], lock: str = PYLOCK_OF_TWO) -> Callable[[Path], None]:
    """A lock that installs two builds under its own project, and a second project that excludes them."""

    def forge(folder: Path) -> None:
        from satlock.solver.lockfiles.reading import read_lockfile
        from satlock.solver.proofs.certificate import write_certificate
        from satlock.solver.proofs.unique import prove_unique

        shutil.rmtree(folder / "c")
        path = write_lock(folder, lock, "pylock.toml")
        write_lock(folder, PLAIN, "pyproject.toml")
        write_lock(folder / "c", DECOY, "pyproject.toml")
        (folder / "decoy").mkdir()
        shutil.move(folder / "c" / "pyproject.toml", folder / "decoy" / "pyproject.toml")
        write_certificate(folder / "c", [prove_unique(read_lockfile(path, folder / "decoy"))])
        manifest = folder / "c" / "manifest.json"
        edit(manifest, lambda m: m["project"].update({"path": stated(folder)}))

    return forge


def _decoy_without_mention(folder: Path) -> None:
    _decoy(lambda _: "")(folder)
    edit(folder / "c" / "manifest.json", lambda m: m.pop("project"))


def _decoy_called_the_own(folder: Path) -> None:
    _decoy(lambda _: "pyproject.toml")(folder)
    own = digest_of(folder / "pyproject.toml")
    edit(folder / "c" / "manifest.json", lambda m: m["project"].update({"sha256": own}))


def _decoy_above(folder: Path) -> None:
    """A root of a workspace that does not take the project in."""
    _decoy(lambda _: "pyproject.toml")(folder)
    own = digest_of(folder / "pyproject.toml")
    stated = {"path": "decoy/pyproject.toml", "sha256": digest_of(folder / "decoy" / "pyproject.toml")}
    manifest = folder / "c" / "manifest.json"
    edit(manifest, lambda m: m.update({"project": {"path": "pyproject.toml", "sha256": own}, "workspace": [stated]}))


def _pins_of_a_decoy(folder: Path) -> None:
    write_lock(folder, PINNED.replace("/cpu", "/elsewhere"), "pyproject.toml")


def _complete_of_a_decoy(folder: Path) -> None:
    """Its own project asks for more than the certificate says."""
    text = (folder / "pyproject.toml").read_text().replace("dependencies = [", 'dependencies = ["numpy", ', 1)
    write_lock(folder, text, "pyproject.toml")


def _signed_again(forge: Callable[[Path], None]) -> Callable[[Path], None]:
    """With the digest of the project that is there."""

    def forged(folder: Path) -> None:
        forge(folder)
        digest = digest_of(folder / "pyproject.toml")
        edit(folder / "c" / "manifest.json", lambda m: m["project"].update({"sha256": digest}))

    return forged


def _wrong_format(name: str, kind: str, further: str, given: Given) -> Callable[[Path], Given]:
    """A ``uv.lock`` that another format's reader can read as well, where it installs nothing twice."""

    def forge(folder: Path) -> Given:
        from satlock.solver.lockfiles.reading import read_lockfile
        from satlock.solver.proofs.certificate import write_certificate
        from satlock.solver.proofs.unique import prove_unique

        shutil.rmtree(folder / "c")
        (folder / "pyproject.toml").unlink(missing_ok=True)
        text = further + TWO_BUILDS.replace("[[package]]", "[[package]]\ngroups = []")
        write_certificate(folder / "c", [prove_unique(read_lockfile(write_lock(folder, text, name)))])
        (folder / name).rename(folder / "uv.lock")
        bind(folder / "c", folder / "uv.lock", format=kind)
        return given

    return forge


_POETRY = '[metadata]\nlock-version = "2.1"\npython-versions = ">=3.12"\n'
_PDM = '[metadata]\nlock_version = "4.5.0"\nstrategy = ["inherit_metadata"]\ngroups = ["default"]\n'


def _as_uv(kind: str, name: str, further: str) -> Callable[[Path], None]:
    """The same, with the format that the name tells in the words: the clauses are still those of the other one."""

    def forge(folder: Path) -> None:
        _wrong_format(name, kind, further, Given())(folder)
        bind(folder / "c", folder / "uv.lock", format="uv")

    return forge


def _for_another_lock(lock: str, name: str = "uv.lock") -> Callable[[Path], Given]:
    """The honest certificate of a good lock, for a lock that is none."""

    def forge(folder: Path) -> Given:
        write_lock(folder / "bad", lock, name)
        return Given(lockfile=f"bad/{name}")

    return forge


def _bound_to_another_lock(lock: str) -> Callable[[Path], None]:
    def forge(folder: Path) -> None:
        bind(folder / "c", write_lock(folder, lock))

    return forge


def _the_good_lock_is_named(folder: Path) -> None:
    """The manifest names a good lock elsewhere; what lies beside the certificate is bad."""
    (folder / "elsewhere").mkdir()
    shutil.move(folder / "uv.lock", folder / "elsewhere" / "uv.lock")
    write_lock(folder, TWO_BUILDS)
    path = "../elsewhere/uv.lock"
    edit(folder / "c" / "manifest.json", lambda m: m["lockfile"].update({"path": path}))


def _a_lock_inside(folder: Path) -> None:
    """The good lock travels in the certificate."""
    shutil.move(folder / "uv.lock", folder / "c" / "uv.lock")
    write_lock(folder, TWO_BUILDS)
    sign(folder / "c")
    edit(folder / "c" / "manifest.json", lambda m: m["lockfile"].update({"path": "uv.lock"}))


def _stated_path(path: str) -> tuple[str, Callable[[Any], object]]:
    return f"the lockfile {path!r}", lambda m: m["lockfile"].update({"path": path})


def _absolute(folder: Path) -> None:
    _the_good_lock_is_named(folder)
    path = str(folder / "elsewhere" / "uv.lock")
    edit(folder / "c" / "manifest.json", lambda m: m["lockfile"].update({"path": path}))


# -- files


def _instead(name: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
    def forge(folder: Path) -> None:
        path = folder / "c" / name
        path.unlink()
        make(path)

    return forge


def _link_with_the_same_bytes(folder: Path) -> None:
    path = folder / "c" / "unique" / "proof.lrat"
    shutil.move(path, folder / "proof.lrat")
    path.symlink_to(folder / "proof.lrat")


def _link_of_the_folder(folder: Path) -> None:
    shutil.move(folder / "c" / "unique", folder / "unique")
    (folder / "c" / "unique").symlink_to(folder / "unique")


def _large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(300 * 1024 * 1024)


def _many(folder: Path) -> None:
    for number in range(500):
        (folder / "c" / f"{number}.txt").write_text("x")
    sign(folder / "c")


def _nested(folder: Path) -> None:
    (folder / "c" / "unique" / "more").mkdir()
    (folder / "c" / "unique" / "more" / "proof.lrat").write_text("1 0 1 0\n")
    sign(folder / "c")


def _lockfile_is(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def forge(folder: Path) -> None:
        (folder / "uv.lock").unlink()
        make(folder / "uv.lock")

    return forge


def _text(name: str, text: str) -> Callable[[Path], None]:
    def forge(folder: Path) -> None:
        (folder / "c" / name).write_text(text)
        sign(folder / "c")

    return forge


def _key_twice(name: str, key: str, value: str) -> Callable[[Path], None]:
    def forge(folder: Path) -> None:
        path = folder / "c" / name
        path.write_text(path.read_text().replace("{", f'{{"{key}": {value}, ', 1))
        if name != "manifest.json":
            sign(folder / "c")

    return forge


# -- proofs and clauses


def _number_of(folder: Path, name: str) -> int:
    return int(json.loads((folder / "c" / "unique" / "legend.json").read_text()).index(name)) + 1


def _an_axiom(name: str, sign_: int) -> Callable[[Path], None]:
    """A clause that was made up."""

    def forge(folder: Path) -> None:
        path = folder / "c" / "unique" / "obligation.cnf"
        lines = path.read_text().splitlines()
        lines.insert(1, f"{sign_ * _number_of(folder, name)} 0")
        lines[0] = f"{' '.join(lines[0].split()[:3])} {len(lines) - 1}"
        path.write_text("\n".join(lines) + "\n")
        sign(folder / "c")

    return forge


def _swap_names(one: str, other: str) -> Callable[[Path], None]:
    def forge(folder: Path) -> None:
        def swap(legend: list[str]) -> None:
            a, b = legend.index(one), legend.index(other)
            legend[a], legend[b] = legend[b], legend[a]

        edit(folder / "c" / "unique" / "legend.json", swap)
        sign(folder / "c")

    return forge


def _of_another_property(folder: Path) -> None:
    for name in ("obligation.cnf", "legend.json", "proof.lrat", "obligation.smt2"):
        shutil.copy(folder / "c" / "installable" / name, folder / "c" / "unique" / name)
    sign(folder / "c")


def _without_clauses(folder: Path) -> None:
    """A CNF that is refuted by itself."""
    (folder / "c" / "unique" / "obligation.cnf").write_text("p cnf 1 2\n1 0\n-1 0\n")
    (folder / "c" / "unique" / "legend.json").write_text('["two torch"]')
    (folder / "c" / "unique" / "proof.lrat").write_text("3 0 1 2 0\n")
    sign(folder / "c")


_NOWHERE = "sys_platform == 'plan9' and sys_platform == 'win32'"


def _installable_nowhere(marker: str) -> Callable[[Path], None]:
    """Installable in no environment at all, written by the encoder itself."""

    def forge(folder: Path) -> None:
        from satlock.solver.lockfiles.reading import read_lockfile
        from satlock.solver.proofs import further, search
        from satlock.solver.proofs.certificate import write_certificate
        from satlock.solver.proofs.installable import prove_installable

        reading = read_lockfile(folder / "uv.lock")
        honest = prove_installable(reading)
        kept = search.example_of
        further.example_of = lambda *ignored: honest.example
        try:
            proof = prove_installable(reading, marker)
        finally:
            further.example_of = kept
        shutil.rmtree(folder / "c")
        write_certificate(folder / "c", [proof])

    return forge


def _told(key: str) -> Callable[[Any], Any]:
    return lambda record: record["owners"][key]


def _one(words: Any, key: str) -> str:
    return next(iter(words[key]))


def _fact(words: Any, name: str) -> dict[str, Any]:
    return {
        "facts": next(f for f in words["facts"] if f["on"] == name and "by" not in f and f["kind"] == "requirement")
    }


def _out(kind: str) -> dict[str, Any]:
    return {"kind": kind, "on": "lib", "ranks": [[1, 2]]}


def _place(words: Any) -> Any:
    return words["environments"][0]["variables"]


def _by(words: Any, name: str) -> Any:
    return next(fact for fact in words["facts"] if "by" in fact and fact["by"]["package"] == name)


def _asks_for_less(folder: Path) -> None:
    path = folder / "pyproject.toml"
    path.write_text(path.read_text().replace("extra = ['tool']", "extra = []"))
    digest = digest_of(path)
    edit(folder / "c" / "manifest.json", lambda m: m["project"].update({"sha256": digest}))
    edit(folder / "c" / "no-lock" / "obligation.json", lambda w: w.update({"sha256": digest}))
    sign(folder / "c")


def _rebuilt(scene: str, *changes: tuple[str, Callable[[Any], object]]) -> Iterator[Forgery]:
    """Changes of claims, with the clauses and the proof that follow from them: so it is what they say that is wrong."""
    for what, change in changes:

        def forge(folder: Path, change: Callable[[Any], object] = change) -> None:
            path = folder / "c" / "optimality" / "obligation.json"
            edit(path, change)
            words = json.loads(path.read_text())
            with suppress(ValueError, KeyError, AttributeError):
                formula = _formula(words)
                clauses = formula.clauses
                steps = elaborate(clauses, logged_proof(clauses))
                for name, text in _written("optimality", words, formula.names, clauses, steps).items():
                    (path.parent / name).write_text(text)
            sign(folder / "c")

        yield Forgery("", f"{what}, rebuilt", scene, forge)


def _all_from(index: str) -> Callable[[Any], None]:
    def change(words: Any) -> None:
        for package in words["packages"].values():
            package["indexes"] = [index]
            for read in package["read"].values():
                read["index"] = index

    return change


def _of_project(old: str, new: str) -> Callable[[Path], None]:
    """The project says something else, and the certificate is bound to that."""

    def forge(folder: Path) -> None:
        path = folder / "pyproject.toml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        edit(folder / "c" / "manifest.json", lambda m: m["project"].update({"sha256": digest_of(path)}))
        sign(folder / "c")

    return forge


def _boto(words: Any) -> Any:
    return words["claims"]["boto"][0]


def _read_of(words: Any, name: str) -> Any:
    return words["packages"][name]["read"]


def _wish(words: Any, kind: str) -> Any:
    return next(fact for fact in words["facts"] if fact["kind"] == kind)


def _python(words: Any, minor: str) -> Any:
    return {**words["environments"][0]["variables"], "python_version": minor, "python_full_version": f"{minor}.0"}


def _asks_less_of_boto(folder: Path) -> None:
    path = folder / "pyproject.toml"
    path.write_text(path.read_text().replace('"wide"', '"deep"'))
    edit(folder / "c" / "manifest.json", lambda m: m["project"].update({"sha256": digest_of(path)}))
    sign(folder / "c")


def _forked(*forks: str) -> Callable[[Path], None]:
    """A lock of which uv installs nothing where none of its forks is, with the clauses of one without forks."""

    def forge(folder: Path) -> None:
        lock = folder / "uv.lock"
        write_lock(folder, f"resolution-markers = {list(forks)}\n" + lock.read_text())
        bind(folder / "c", lock)

    return forge


_KINDS: dict[str, list[Iterator[Forgery]]] = {
    "a decoy project": [
        _steps(
            "workspace",
            ("by a relative path", _decoy(lambda folder: "decoy/pyproject.toml")),
            ("by an absolute path", _decoy(lambda folder: str(folder / "decoy" / "pyproject.toml"))),
            ("by a path with steps", _decoy(lambda folder: "c/../decoy/pyproject.toml")),
            ("called the lock's own", _decoy(lambda folder: "pyproject.toml")),
            ("called the lock's own, with its digest", _decoy_called_the_own),
            ("not mentioned", _decoy_without_mention),
            ("as a file of the workspace", _decoy_above),
            ("with an empty path", _decoy(lambda folder: "")),
        ),
        _steps(
            "uv",
            ("with other pins", _pins_of_a_decoy),
            ("with other pins, and the digest of these", _signed_again(_pins_of_a_decoy)),
        ),
        _steps(
            "complete",
            ("with fewer requirements", _complete_of_a_decoy),
            ("with fewer requirements, and the digest of these", _signed_again(_complete_of_a_decoy)),
            (
                "in a folder that is named",
                lambda folder: write_lock(folder / "d", PINNED, "pyproject.toml") and Given(project="d"),
            ),
            ("in a folder that has none", lambda folder: (folder / "d").mkdir() or Given(project="d")),  # type: ignore[func-returns-value]
        ),
    ],
    "another format": [
        _steps(
            "uv",
            ("uv.lock as poetry.lock", _wrong_format("poetry.lock", "poetry", _POETRY, Given())),
            ("uv.lock as poetry.lock, named", _wrong_format("poetry.lock", "poetry", _POETRY, Given("uv.lock"))),
            ("uv.lock as pdm.lock", _wrong_format("pdm.lock", "pdm", _PDM, Given())),
            ("uv.lock as pdm.lock, named", _wrong_format("pdm.lock", "pdm", _PDM, Given("uv.lock"))),
            ("poetry's clauses for uv", _as_uv("poetry", "poetry.lock", _POETRY)),
            ("pdm's clauses for uv", _as_uv("pdm", "pdm.lock", _PDM)),
        ),
        _of_words(
            "uv",
            "unique/obligation.json",
            ("said to be pylock", lambda w: w.update({"format": "pylock"})),
            ("said to be nothing", lambda w: w.pop("format")),
        ),
    ],
    "forks that leave a gap": [
        _steps(
            "complete",
            ("all but Windows", _forked("sys_platform == 'win32'")),
            ("one Python", _forked("python_full_version < '3.12'", "python_full_version >= '3.13'")),
            ("an extra asked for both ways", _forked("sys_platform == 'win32'", "extra == 'x' and extra != 'x'")),
            ("an extra by two spellings", _forked("os_name == 'nt'", "extra == 'x-y' and extra != 'X_y'")),
            ("extras within alternatives", _forked("(extra == 'x' or os_name == 'nt') and extra != 'x'")),
            ("nowhere at all", _forked("python_version < '0'")),
        ),
    ],
    "another lock": [
        _steps(
            "uv",
            ("one that installs two builds, named", _for_another_lock(TWO_BUILDS)),
            ("one without conflicts, named", _for_another_lock(origin_lock(conflicts=False))),
            ("one with a comment more, named", _for_another_lock(origin_lock() + "# \n")),
            ("one of another format, named", _for_another_lock(origin_lock(), "poetry.lock")),
            ("one whose name tells no format, named", _for_another_lock(origin_lock(), "lock.txt")),
            ("one that is not there, named", lambda folder: Given(lockfile="nowhere/uv.lock")),
            ("one that installs two builds, with its digest", _bound_to_another_lock(TWO_BUILDS)),
            ("one without conflicts, with its digest", _bound_to_another_lock(origin_lock(conflicts=False))),
            ("one for more Pythons", _bound_to_another_lock(origin_lock().replace(">=3.12", ">=3.11"))),
            ("one with another version", _bound_to_another_lock(origin_lock().replace("2.5.1+cpu", "2.5.2+cpu"))),
            ("a good one elsewhere", _the_good_lock_is_named),
            ("a good one elsewhere, by an absolute path", _absolute),
            ("a good one in the certificate", _a_lock_inside),
        ),
        _of_manifest(
            "uv",
            _stated_path("uv.lock"),
            _stated_path("../../uv.lock"),
            _stated_path("../c/../uv.lock"),
            _stated_path(".."),
            _stated_path("../pylock.toml"),
            _stated_path("/dev/zero"),
            _stated_path(""),
        ),
    ],
    "no regular file": [
        _steps(
            "uv",
            ("a link to /dev/zero", _instead("unique/proof.lrat", lambda path: path.symlink_to("/dev/zero"))),
            ("a link to a device as manifest", _instead("manifest.json", lambda path: path.symlink_to("/dev/zero"))),
            ("a fifo", _instead("unique/proof.lrat", os.mkfifo)),
            ("a fifo as manifest", _instead("manifest.json", os.mkfifo)),
            ("a folder", _instead("unique/proof.lrat", Path.mkdir)),
            ("a link to the same bytes", _link_with_the_same_bytes),
            ("a link to a folder", _link_of_the_folder),
            ("a link to nothing", _instead("unique/proof.lrat", lambda path: path.symlink_to("nothing"))),
            ("the lockfile a fifo", _lockfile_is(os.mkfifo)),
            ("the lockfile a device", _lockfile_is(lambda path: path.symlink_to("/dev/zero"))),
            ("the lockfile a folder", _lockfile_is(Path.mkdir)),
        ),
    ],
    "too much": [
        _steps(
            "uv",
            ("a file of 300 MB", _instead("unique/proof.lrat", _large)),
            ("a lockfile of 300 MB", _lockfile_is(_large)),
            ("500 files", _many),
            ("nested folders", _nested),
            ("JSON nested a million times", _text("unique/obligation.json", "[" * 1_000_000)),
            ("a number of 100,000 digits", _text("unique/obligation.cnf", f"p cnf {'9' * 100_000} 1\n1 0\n")),
            ("a CNF with 10^9 variables", _text("unique/obligation.cnf", "p cnf 1000000000 1\n1 0\n")),
        ),
        _of_words(
            "uv",
            "unique/obligation.json",
            ("100,000 boxes", lambda w: w.update({"walked": [{}] * 100_000})),
            ("100,000 loops", lambda w: w.update({"loops": [["reach", [str(n)]] for n in range(100_000)]})),
        ),
    ],
    "files": [
        _steps(
            "uv",
            ("a file more", lambda folder: (folder / "c" / "unique" / "note.txt").write_text("x") and None),
            ("a file more, signed", _text("unique/note.txt", "x")),
            (
                "a property more, signed",
                lambda folder: shutil.copytree(folder / "c" / "unique", folder / "c" / "safe") and sign(folder / "c"),
            ),
            ("a file less", lambda folder: (folder / "c" / "unique" / "proof.lrat").unlink()),
            (
                "a file less, signed",
                lambda folder: (folder / "c" / "unique" / "proof.lrat").unlink() or sign(folder / "c"),
            ),  # type: ignore[func-returns-value]
            (
                "nothing but a manifest",
                lambda folder: (
                    [shutil.rmtree(folder / "c" / n) for n in ("unique", "index-pins", "installable")]
                    and sign(folder / "c")
                ),
            ),
            (
                "no UTF-8",
                lambda folder: (
                    (folder / "c" / "unique" / "legend.json").write_bytes(b"\xff\xfe") and sign(folder / "c")
                ),
            ),
        ),
    ],
    "the manifest": [
        _of_manifest(
            "uv",
            ("of version 1", lambda m: m.update({"version": 1})),
            ("of the version before", lambda m: m.update({"version": VERSION - 1})),
            ("of a later version", lambda m: m.update({"version": VERSION + 1})),
            ("without a version", lambda m: m.pop("version")),
            ("without files", lambda m: m.pop("files")),
            ("with files that are none", lambda m: m.update({"files": []})),
            ("without a lockfile", lambda m: m.pop("lockfile")),
            ("with a lockfile that is none", lambda m: m.update({"lockfile": "../uv.lock"})),
            ("with a note", lambda m: m.update({"note": "checked by a person"})),
            ("with a note on the lockfile", lambda m: m["lockfile"].update({"note": "good"})),
            ("without a project", lambda m: m.pop("project")),
            ("with a workspace", lambda m: m.update({"workspace": [{"path": "x", "sha256": "0"}]})),
            ("with another digest", lambda m: m["files"].update({"unique/proof.lrat": "0" * 64})),
        ),
        _of_manifest("complete", ("without the project", lambda m: m.pop("project"))),
        _of_manifest(
            "workspace",
            ("without its workspace", lambda m: m.pop("workspace")),
            ("with an empty workspace", lambda m: m.update({"workspace": []})),
            ("with a member twice", lambda m: m["workspace"].append(m["workspace"][0])),
            ("with a member elsewhere", lambda m: m["workspace"][0].update({"path": "other/pyproject.toml"})),
        ),
        _steps(
            "uv",
            ("that is no JSON", _instead("manifest.json", lambda path: path.write_text("yes"))),
            ("that is a list", _instead("manifest.json", lambda path: path.write_text("[]"))),
        ),
    ],
    "words for a person": [
        _of_words(
            "uv",
            "unique/obligation.json",
            ("a further claim", lambda w: w["claims"].update({"numpy": ["7"]})),
            ("a claim of fewer entries", lambda w: w["claims"].update({"torch": ["2", "3"]})),
            ("a claim of no entries", lambda w: w["claims"].update({"torch": []})),
            ("no claims", lambda w: w.update({"claims": {}})),
            ("claims that are a list", lambda w: w.update({"claims": list(w["claims"])})),
            ("a dropped goal", lambda w: w["goals"].clear()),
            ("a goal of another name", lambda w: w["goals"].update({"torch": "two numpy"})),
            ("another version", lambda w: w["entries"].update({_one(w, "entries"): "torch 9.9"})),
            ("an entry more", lambda w: w["entries"].update({"77": "numpy 1.0"})),
            ("another property", lambda w: w.update({"property": "installable"})),
            ("another lockfile", lambda w: w.update({"lockfile": "prod.lock"})),
            ("another digest", lambda w: w.update({"sha256": "0" * 64})),
            ("a further key", lambda w: w.update({"reviewed-by": "an expert"})),
            ("a missing key", lambda w: w.pop("entries")),
            ("environments", lambda w: w.update({"environments": "python_version >= '3.0'"})),
        ),
        _of_words(
            "uv",
            "installable/obligation.json",
            ("other environments", lambda w: w.update({"environments": "python_version >= '3.9'"})),
            ("no environments", lambda w: w.update({"environments": _NOWHERE})),
            ("all environments", lambda w: w.update({"environments": ""})),
            ("an extra as environment", lambda w: w.update({"environments": "extra == 'cpu'"})),
        ),
        _of_words(
            "complete",
            "complete/obligation.json",
            ("another requirement", lambda w: w["requirements"].update({"unmet 1~0": "b>=0"})),
            ("a requirement less", lambda w: w["requirements"].pop("unmet 1~0")),
            ("a claim of the project", lambda w: w["claims"].update({"(project)": []})),
        ),
    ],
    "axioms": [
        _of_words(
            "uv",
            "unique/obligation.json",
            ("a Python less", lambda w: w["axioms"]["python"].pop()),
            ("another requires-python", lambda w: w["axioms"].update({"requires-python": ">=3.13"})),
            ("a conflict more", lambda w: w["axioms"]["conflicts"].append(["a", "b"])),
            ("a conflict less", lambda w: w["axioms"]["conflicts"].clear()),
            ("a rivalry", lambda w: w["axioms"]["rivals"].append(["extra cpu", "extra cu124"])),
            ("a machine more", lambda w: w["axioms"]["machine"].append("m68k")),
            ("a platform less", lambda w: w["axioms"]["platform"].pop(0)),
            ("an impossible pair more", lambda w: w["axioms"]["impossible"].append(w["axioms"]["impossible"][0])),
            ("something required", lambda w: w["axioms"]["required"].append("extra cpu")),
            ("something implied", lambda w: w["axioms"]["implied"].append(["extra cpu", "extra cu124"])),
            ("a switch less", lambda w: w["axioms"]["switches"].pop()),
            ("a bring made up", lambda w: w["axioms"]["brings"].append(["extra cpu", "in force extra cu124", ""])),
            ("a further axiom", lambda w: w["axioms"].update({"comfort": True})),
        ),
        _of_words(
            "workspace",
            "unique/obligation.json",
            ("a rivalry more", lambda w: w["axioms"]["rivals"].append(["extra most", "extra all"])),
            ("a marker dropped", lambda w: w["axioms"]["brings"][-1].__setitem__(2, "")),
            ("a bring less", lambda w: w["axioms"]["brings"].pop()),
        ),
        _steps(
            "uv",
            ("in the CNF alone: no production", _an_axiom("production", -1)),
            ("in the CNF alone: never two", _an_axiom("two torch", -1)),
            ("in the CNF alone: always one extra", _an_axiom("extra cpu", 1)),
        ),
    ],
    "clauses": [
        _of_lines(
            "uv",
            "unique/obligation.cnf",
            ("one less", lambda lines: lines.pop(5)),
            ("the last one less", lambda lines: lines.pop()),
            ("a literal less", lambda lines: lines.__setitem__(-2, lines[-2].partition(" ")[2])),
            ("a literal turned", lambda lines: lines.__setitem__(-2, f"-{lines[-2]}".replace("--", ""))),
            ("a variable more", lambda lines: lines.__setitem__(0, lines[0].replace("cnf ", "cnf 9"))),
        ),
        _steps(
            "uv", ("none but a contradiction", _without_clauses), ("those of another property", _of_another_property)
        ),
        _of_lines("optimality", "optimality/obligation.cnf", ("one less", lambda lines: lines.pop(1))),
        _of_lines("complete", "complete/obligation.cnf", ("one less", lambda lines: lines.pop(3))),
    ],
    "the legend": [
        _steps(
            "uv",
            ("two extras swapped", _swap_names("extra cpu", "extra cu124")),
            ("two entries swapped", _swap_names("reach 2", "reach 3")),
        ),
        _of_words(
            "uv",
            "unique/legend.json",
            ("a name twice", lambda names: names.__setitem__(0, names[1])),
            ("a name more", lambda names: names.append("comfort")),
            ("a name that is a number", lambda names: names.__setitem__(0, 7)),
            ("another name", lambda names: names.__setitem__(0, "python 9.9.9")),
        ),
        _steps("uv", ("an object", _text("unique/legend.json", "{}"))),
    ],
    "the proof": [
        _of_lines(
            "uv",
            "unique/proof.lrat",
            ("without its last step", lambda lines: lines.pop()),
            (
                "with a step that does not follow",
                lambda lines: lines.__setitem__(-1, f"{lines[-1].split()[0]} 0 1 2 0"),
            ),
            ("with a reason less", lambda lines: lines.__setitem__(-1, " ".join([*lines[-1].split()[:-2], "0"]))),
            ("with an empty step first", lambda lines: lines.insert(0, "999999 0 1 0")),
            ("with a reason that comes later", lambda lines: lines.insert(0, f"999998 0 {lines[-1].split()[0]} 0")),
            ("with a negative reason", lambda lines: lines.insert(0, "999998 0 -1 0")),
            ("with a number twice", lambda lines: lines.insert(0, "1 0 1 0")),
            ("that deletes", lambda lines: lines.insert(0, "1 d 1 2 0")),
            ("without steps", lambda lines: lines.clear()),
        ),
        _steps("uv", ("that is words", _text("unique/proof.lrat", "trust me\n"))),
        _of_lines("poetry", "unique/proof.lrat", ("without steps", lambda lines: lines.clear())),
        _of_lines("pdm", "unique/proof.lrat", ("without steps", lambda lines: lines.clear())),
    ],
    "loops and walks": [
        _of_words(
            "uv",
            "unique/obligation.json",
            ("a loop made up", lambda w: w["loops"].append(["reach", ["1", "2"]])),
            ("a loop of nothing", lambda w: w["loops"].append(["reach", ["99"]])),
            ("a loop of a kind that is none", lambda w: w["loops"].append(["two", ["1"]])),
            (
                "a walk made up",
                lambda w: w["walked"].append(
                    {
                        "goal": "two torch",
                        "python": ["3.12.0"],
                        "platform": ["posix linux Linux"],
                        "implementation": ["cpython CPython"],
                        "machine": ["x86_64"],
                        "fixed": {},
                    }
                ),
            ),
            (
                "a walk for no goal",
                lambda w: w["walked"].append(
                    {
                        "goal": "two numpy",
                        "python": ["3.12.0"],
                        "platform": ["posix linux Linux"],
                        "implementation": ["cpython CPython"],
                        "machine": ["x86_64"],
                        "fixed": {},
                    }
                ),
            ),
            (
                "a walk on a platform that is none",
                lambda w: w["walked"].append(
                    {
                        "goal": "two torch",
                        "python": ["3.12.0"],
                        "platform": ["plan9"],
                        "implementation": ["cpython CPython"],
                        "machine": ["x86_64"],
                        "fixed": {},
                    }
                ),
            ),
            ("a walk that is none", lambda w: w["walked"].append([])),
        ),
    ],
    "environments": [
        _steps(
            "uv",
            ("none at all", _installable_nowhere(_NOWHERE)),
            ("none of the lock's Pythons", _installable_nowhere("python_version < '3.9'")),
        ),
        _of_words(
            "uv",
            "installable/obligation.json",
            ("an example elsewhere", lambda w: w["example"].update({"machine": "other"})),
            ("an example that cannot be", lambda w: w["example"].update({"machine": "AMD64"})),
        ),
        _of_words(
            "uv",
            "unique/obligation.json",
            ("no example", lambda w: w["example"].clear()),
            ("an example that is refused", lambda w: w["example"]["on"].extend(["extra cpu", "extra cu124"])),
            ("an example with a made-up choice", lambda w: w["example"]["on"].append("extra tpu")),
            ("an example with another Python", lambda w: w["example"].update({"python": "3.4.0"})),
        ),
    ],
    "recorded metadata": [
        _of_words(
            "complete",
            "complete/metadata.json",
            (
                "from an index that the lock does not name",
                lambda r: _told("1")(r).update({"from": "https://evil.example"}),
            ),
            ("from no index", lambda r: _told("1")(r).update({"from": ""})),
            ("from a file that the lock does not have", lambda r: _told("1")(r).update({"file": "a-1.0.whl"})),
            ("with a hash that the lock does not have", lambda r: _told("1")(r).update({"sha256": "0" * 64})),
            ("a requirement less", lambda r: _told("1")(r)["requires-dist"].pop()),
            ("a requirement more", lambda r: _told("2")(r)["requires-dist"].append("numpy")),
            ("another specifier", lambda r: _told("1")(r).update({"requires-dist": ["b>=3", "c==1.0"]})),
            ("a marker dropped", lambda r: _told("1")(r)["requires-dist"].__setitem__(1, "c==1.0; extra == 'x'")),
            ("an owner less", lambda r: r["owners"].pop("2")),
            (
                "an owner more",
                lambda r: r["owners"].update({"9": {"from": "https://index.example", "requires-dist": []}}),
            ),
            ("an owner not examined", lambda r: r["unexamined"].update({"2": r["owners"].pop("2") and "gone"})),
            ("somebody not examined", lambda r: r["unexamined"].update({"77": "who knows"})),
            ("the project from an index", lambda r: r["owners"].update({"0": _told("2")(r)})),
            ("an entry from the project", lambda r: r["owners"].update({"2": {"from": "project"}})),
            ("no owners", lambda r: r.update({"owners": {}})),
            ("without a day", lambda r: r.pop("recorded")),
            ("of some day", lambda r: r.update({"recorded": "recently"})),
            ("with a note", lambda r: r.update({"note": "complete"})),
            ("with a note on an owner", lambda r: _told("1")(r).update({"note": "complete"})),
            ("with numbers", lambda r: _told("1")(r).update({"requires-dist": [1]})),
        ),
        _steps("complete", ("a list", _text("complete/metadata.json", "[]"))),
    ],
    "the SMT-LIB file": [
        _of_lines(
            "uv",
            "unique/obligation.smt2",
            ("an assertion less", lambda lines: lines.pop(-4)),
            ("an assertion more", lambda lines: lines.insert(-3, "(assert false)")),
            ("another status", lambda lines: lines.__setitem__(2, "(set-info :status sat)")),
            ("another comment", lambda lines: lines.__setitem__(0, "; unique: proves that nothing can go wrong")),
        ),
    ],
    "keys that are there twice": [
        _steps(
            "uv",
            ("claims", _key_twice("unique/obligation.json", "claims", '{"torch": []}')),
            ("the property", _key_twice("unique/obligation.json", "property", '"complete"')),
            ("the lockfile", _key_twice("manifest.json", "lockfile", '{"path": "../x", "sha256": ""}')),
        ),
        _steps("complete", ("an owner", _key_twice("complete/metadata.json", "owners", "{}"))),
    ],
    "a project that is followed": [
        _steps(
            "followed",
            ("and asks for another numpy", _of_project('version = "~1.26", python = "<3.12"', 'version = "~1.26"')),
            ("and asks for none", _of_project("numpy = [", "scipy = [")),
            ("and is of another tool", _of_project("[tool.poetry.dependencies]", "[tool.other.dependencies]")),
            ("and is not there", lambda folder: (folder / "pyproject.toml").unlink()),
        ),
        _of_manifest("followed", ("and is not told of", lambda m: m.pop("project"))),
    ],
    "claims of optimality": [
        _of_words(
            "optimality",
            "optimality/obligation.json",
            ("a version less", lambda w: w["packages"]["core"]["versions"].pop()),
            ("versions in another order", lambda w: w["packages"]["boto"]["versions"].reverse()),
            ("a version twice", lambda w: w["packages"]["boto"]["versions"].append("1.9")),
            ("versions of another index", lambda w: w["packages"]["boto"].update({"indexes": ["https://e.example"]})),
            ("a candidate read nowhere", lambda w: w["packages"]["boto"]["read"].pop("1.9")),
            ("a candidate read for nothing", lambda w: _read_of(w, "boto").update({"1.0": _read_of(w, "boto")["1.9"]})),
            ("a fact less", lambda w: w["facts"].pop()),
            (
                "a fact for nothing",
                lambda w: w["facts"].append({"kind": "held", "on": "core", "ranks": [[1, 9]], "why": "is old"}),
            ),
            ("a fact that is needed, used by none", lambda w: _boto(w)["facts"].pop()),
            ("a specifier wider", lambda w: _by(w, "aio").update({"line": "core<1.8"})),
            ("a rumour", lambda w: w["facts"].append({"kind": "rumour", "on": "core"})),
            ("no claims", lambda w: w.update({"claims": {}})),
        ),
        _rebuilt(
            "optimality",
            (
                "a requirement that the project does not have",
                lambda w: _fact(w, "wide")["facts"].update({"line": "wide<1"}),
            ),
            ("all versions held", lambda w: w["facts"][0].update({"kind": "rumour"})),
            ("an index that the lockfile does not name", _all_from("https://e.example")),
            ("the newest version first", lambda w: w["packages"]["boto"]["versions"].sort(key=lambda v: v != "1.9")),
            ("a claim of what is newest", lambda w: w["claims"].update({"fs": w["claims"]["boto"]})),
            ("a claim of another version", lambda w: _boto(w).update({"version": "1.5"})),
            ("a claim of another package", lambda w: _boto(w).update({"on": "core"})),
            ("a claim under another name", lambda w: w["claims"].update({"aio": w["claims"].pop("boto")})),
            ("nothing kept", lambda w: _boto(w).update({"kept": []})),
            ("something absent that is there", lambda w: _boto(w)["absent"].append("fs")),
            ("something kept that is not there", lambda w: _boto(w)["kept"].__setitem__(0, ["fs", "1"])),
            ("something kept that is newer", lambda w: _boto(w)["kept"].append(["core", "1.9"])),
            ("where another fact is in force", lambda w: w["claims"]["colours"][0].update({"environments": [1]})),
            ("in no environment", lambda w: _boto(w).update({"environments": []})),
            ("in an environment that is not named", lambda w: _boto(w).update({"environments": [99]})),
            (
                "an environment for nothing",
                lambda w: w["environments"].append({**w["environments"][0], "variables": _python(w, "3.13")}),
            ),
            ("an environment twice", lambda w: w["environments"].append(w["environments"][0])),
            (
                "a Python that the project refuses",
                lambda w: w["environments"][0].update({"variables": _python(w, "3.9")}),
            ),
            ("a machine that does not exist", lambda w: _place(w).update({"platform_machine": "AMD64"})),
            ("a choice that is not offered", lambda w: w["environments"][0].update({"extras": ["tpu"]})),
            ("a note", lambda w: _boto(w).update({"note": "true"})),
            ("of no day", lambda w: w.update({"recorded": "soon"})),
        ),
        _rebuilt(
            "wished",
            (
                "a file that fits",
                lambda w: w["packages"]["engine"]["files"].update({"2": ["engine-2-py3-none-any.whl"]}),
            ),
            ("a source distribution", lambda w: w["packages"]["engine"]["files"]["2"].append("engine-2.tar.gz")),
            ("no files known", lambda w: w["packages"]["engine"].pop("files")),
            ("no file where there is one", lambda w: _wish(w, "bare").update({"ranks": [[1, 2]]})),
            (
                "no file for another Python",
                lambda w: _place(w).update(
                    {
                        "os_name": "nt",
                        "sys_platform": "win32",
                        "platform_system": "Windows",
                        "platform_machine": "AMD64",
                    }
                ),
            ),
        ),
        _of_words(
            "wished",
            "optimality/obligation.json",
            ("another extra", lambda w: _wish(w, "lacks").update({"extra": "slow"})),
            ("an escape of other versions", lambda w: _wish(w, "escape").update({"ranks": [[1, 2]]})),
            ("an escape of nobody", lambda w: _wish(w, "escape").update({"given": []})),
        ),
        _of_words(
            "no_lock",
            "no-lock/obligation.json",
            (
                "a wish as a fact",
                lambda w: w["facts"].append({"kind": "lacks", "on": "lib", "ranks": [[1, 1]], "extra": "x"}),
            ),
        ),
        _steps("optimality", ("for a project that asks for less", _asks_less_of_boto)),
    ],
}

_KINDS["facts of a refusal"] = [
    _of_words(
        "no_lock",
        "no-lock/obligation.json",
        ("a fact less", lambda w: w["facts"].pop()),
        ("a requirement that the project does not have", lambda w: _fact(w, "app")["facts"].update({"line": "app>=7"})),
        ("a requirement of another list", lambda w: _fact(w, "app")["facts"].update({"list": "dependency-groups.dev"})),
        ("a requirement as a constraint", lambda w: _fact(w, "app")["facts"].update({"kind": "constraint"})),
        ("a requirement of no list", lambda w: _fact(w, "app")["facts"].pop("list")),
        ("a requirement on another package", lambda w: _fact(w, "app")["facts"].update({"on": "lib"})),
        ("a candidate's line that is another", lambda w: _by(w, "tool").update({"line": "lib>=9"})),
        (
            "a candidate's line where it is not in force",
            lambda w: _by(w, "tool").update({"line": "lib; os_name == 'nt'"}),
        ),
        ("a candidate's line of an extra", lambda w: _by(w, "tool")["by"].update({"extra": "fast"})),
        ("a candidate that is not listed", lambda w: _by(w, "tool")["by"].update({"ranks": [[1, 9]]})),
        ("a candidate read nowhere", lambda w: w["packages"]["tool"]["read"].clear()),
        (
            "a candidate from elsewhere",
            lambda w: w["packages"]["tool"]["read"]["1"].update({"index": "https://e.example"}),
        ),
        (
            "versions left out by the Python",
            lambda w: w["facts"].append(_out("python")),
        ),
        ("versions left out by a made-up Python", lambda w: w["packages"]["lib"]["pythons"].update({"1": ">=3.99"})),
        (
            "versions left out by nobody",
            lambda w: w["facts"].append(_out("rumour")),
        ),
        ("a version less", lambda w: w["packages"]["lib"]["versions"].pop()),
        ("no versions", lambda w: w["packages"]["lib"]["versions"].clear()),
        ("a version that is none", lambda w: w["packages"]["lib"]["versions"].append("latest")),
        ("one version everywhere", lambda w: w.update({"single-version": ["lib"]})),
        (
            "another Python",
            lambda w: _place(w).update({"python_full_version": "3.10.0", "python_version": "3.10"}),
        ),
        ("Pythons that disagree", lambda w: _place(w).update({"python_version": "3.11"})),
        ("a platform that does not exist", lambda w: _place(w).update({"os_name": "nt"})),
        (
            "a machine that does not exist",
            lambda w: _place(w).update({"platform_machine": "AMD64"}),
        ),
        ("choices that exclude each other", lambda w: w["environments"][0].update({"extras": ["extra", "other"]})),
        ("a choice that is not offered", lambda w: w["environments"][0].update({"extras": ["tpu"]})),
        ("without the choice", lambda w: w["environments"][0].update({"extras": []})),
        ("no environment", lambda w: w.update({"environments": []})),
        ("an environment more", lambda w: w["environments"].append(w["environments"][0])),
        ("of another project", lambda w: w.update({"sha256": "0" * 64})),
        ("of no day", lambda w: w.update({"recorded": "soon"})),
        ("with a note", lambda w: w.update({"note": "true"})),
    ),
    _of_manifest(
        "no_lock",
        ("with a lockfile", lambda m: m.update({"lockfile": {"path": "../uv.lock", "sha256": "0"}})),
        ("without the project", lambda m: m.pop("project")),
        ("with another project's path", lambda m: m["project"].update({"path": "../other/pyproject.toml"})),
    ),
    _steps("no_lock", ("for a project that asks for less", _asks_for_less)),
    _of_lines("no_lock", "no-lock/obligation.cnf", ("a clause less", lambda lines: lines.pop(1))),
    _of_lines("no_lock", "no-lock/proof.lrat", ("without steps", lambda lines: lines.clear())),
]


def _project_says(scene: str, own: str, *names: str) -> Iterator[Forgery]:
    """The project itself says what a candidate requires, and the certificate has that from an index still."""
    scoped = f"[{{ package = {{ name = '{own}' }}, dependencies = {list(names)} }}]"
    further = {
        "by what it states": f"[[tool.uv.dependency-metadata]]\nname = '{own}'\nrequires-dist = []\n",
        "by what it states, in its other table": f"[[tool.satlock.dependency-metadata]]\nname = '{own}'\n",
        "by an override for that alone": f"[tool.satlock]\noverride-dependencies = {scoped}\n",
        "by an exclusion for that alone": f"[tool.satlock]\nexclude-dependencies = {scoped}\n",
    }
    for what, text in further.items():

        def forge(folder: Path, text: str = text) -> None:
            path = folder / "pyproject.toml"
            path.write_text(f"{path.read_text()}\n{text}")
            edit(folder / "c" / "manifest.json", lambda m: m["project"].update({"sha256": digest_of(path)}))
            if scene == "no_lock":
                words = folder / "c" / "no-lock" / "obligation.json"
                edit(words, lambda w: w.update({"sha256": digest_of(path)}))
            sign(folder / "c")

        yield Forgery("", what, scene, forge)


_KINDS["a project that says what candidates require"] = [
    _project_says("no_lock", "app", "lib"),
    _project_says("optimality", "aio", "core"),
]


def _impossible(words: Any) -> None:
    for fact in words["facts"]:
        if fact["kind"] == "requirement" and "by" in fact:
            fact["line"] = f"{fact['on']}==99"


_KINDS["facts that contradict the lock"] = [
    _rebuilt(
        "optimality",
        ("what is locked requires what is not", _impossible),
        ("what is locked requires another one", lambda w: _by(w, "aio").update({"line": "core<1.6"})),
        ("something unproven that is not locked", lambda w: w["unproven"].append("numpy")),
        ("something unproven twice", lambda w: w["unproven"].extend(["deep", "deep"])),
    )
]


def _bytes(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def forge(folder: Path) -> None:
        path = folder / "c" / "unique" / name
        path.write_bytes(change(path.read_bytes()))
        sign(folder / "c")

    return forge


_KINDS["numbers and words that others read otherwise"] = [
    _steps(
        "uv",
        *(
            (f"{what} in {name}", _bytes(name, change))
            for name in ("obligation.cnf", "proof.lrat")
            for what, change in (
                ("a comment", lambda text: b"c checked by an authority\n" + text),
                ("an indented comment", lambda text: b"  c checked\n" + text),
                ("a plus", lambda text: text.replace(b" 1", b" +1", 1)),
                ("an underscore", lambda text: text.replace(b" 1", b" 0_1", 1)),
                ("zeros", lambda text: text.replace(b" 1", b" 001", 1)),
                ("a negative zero", lambda text: text.replace(b" 0\n", b" -0\n", 1)),
                ("a wide digit", lambda text: text.replace(b" 1", " \uff11".encode(), 1)),
                ("half of a gzip", lambda text: gzip.compress(text)[:-5]),
            )
        ),
        ("steps after the end", _bytes("proof.lrat", lambda text: text + b"999999 1 0 1 0\n")),
        ("a mark of UTF-8", _bytes("obligation.json", lambda text: b"\xef\xbb\xbf" + text)),
        ("UTF-16", _bytes("obligation.json", lambda text: text.decode().encode("utf-16"))),
        ("a second object", _bytes("obligation.json", lambda text: text + b"{}")),
        ("a key twice, once escaped", _bytes("legend.json", lambda text: b'{"a": 1, "\\u0061": 2}')),
        ("half of a pair", _bytes("obligation.json", lambda text: text.replace(b'"property"', b'"\\ud800"', 1))),
        ("a folder without files", lambda folder: (folder / "c" / "all-properties-hold").mkdir()),
        ("a file without a name", lambda folder: (folder / "c" / os.fsdecode(b"\xff\xfe")).write_text("") and None),
    ),
    _of_manifest(
        "uv",
        ("a version that is no integer", lambda m: m.update({"version": float(VERSION)})),
        ("a version that is no number", lambda m: m.update({"version": float("nan")})),
    ),
    _of_words(
        "complete", "complete/metadata.json", ("a day that is none", lambda r: r.update({"recorded": "2024-02-30"}))
    ),
    _of_words(
        "no_lock",
        "no-lock/obligation.json",
        ("a day that is none", lambda w: w.update({"recorded": "2024-99-99"})),
        ("ranks that are true", lambda w: _by(w, "app")["by"].update({"ranks": [[True, True]]})),
        ("ranks that are no number", lambda w: _by(w, "app")["by"].update({"ranks": [[float("nan"), 1]]})),
        ("an extra twice, once in capitals", lambda w: w["environments"][0].update({"extras": ["extra", "EXTRA"]})),
        ("left out without a reason", lambda w: w["packages"]["app"].update({"left-out": ["3"]})),
    ),
]


def _called_as_another_variable(words: Any) -> None:
    """What is wrong with boto has the name of what a made-up package is, and that is out."""
    claim, boto = words["claims"]["boto"][0], words["packages"]["boto"]
    made_up = {"indexes": boto["indexes"], "versions": [claim["version"]], "read": {}, "pythons": {}, "left-out": {}}
    words["packages"] = {"boto #1 >=": {**boto, "read": {}, "pythons": {}}, "newer boto #1": made_up}
    words["facts"] = [{"kind": "held", "on": "newer boto #1", "ranks": [[1, 1]], "why": "is yanked"}]
    claim.update({"on": "boto #1 >=", "facts": [1], "kept": [], "absent": [], "environments": [1]})
    words.update({"claims": {"boto": [claim]}, "environments": words["environments"][:1], "unproven": []})


def _package_called_entry(folder: Path) -> None:
    """As a goal of its own it would be called like what is wrong with another entry."""
    lock = write_lock(folder, origin_lock().replace('"torchmetrics"', '"entry 3"'))
    for other in ("index-pins", "installable"):
        shutil.rmtree(folder / "c" / other)
    edit(
        folder / "c" / "unique" / "obligation.json",
        lambda words: words["claims"].update({"entry 3": words["claims"].pop("torchmetrics")}),
    )
    edit(folder / "c" / "manifest.json", lambda manifest: manifest.pop("project"))
    bind(folder / "c", lock)


_KINDS["names that are read as others"] = [
    _rebuilt("optimality", ("a claim that is called like a package", _called_as_another_variable)),
    _steps("uv", ("a package that is called like an entry", _package_called_entry)),
]


def _other_digest(key: str) -> Callable[[Any], None]:
    def change(words: Any) -> None:
        _read_of(words, "aio")["2.0"][key] = "0" * 64

    return change


def _unbound_and_other(words: Any) -> None:
    for key in ("file", "sha256", "metadata"):
        _read_of(words, "aio")["2.0"].pop(key)
    _by(words, "aio").update({"line": "core<1.6.5"})


_KINDS["parts that record two things of a candidate"] = [
    _rebuilt(
        "whole",
        ("another requirement", lambda w: _by(w, "aio").update({"line": "core<1.6.5"})),
        ("another requirement, of no file", _unbound_and_other),
        ("another marker", lambda w: _by(w, "aio").update({"line": "core<1.7; python_version >= '2.7'"})),
        ("other metadata of a file", _other_digest("metadata")),
    ),
    _rebuilt("optimality", ("a locked file with another hash", _other_digest("sha256"))),
    _of_words(
        "whole",
        "complete/metadata.json",
        ("other metadata of a file, where all is met", lambda r: r["owners"]["0"].update({"metadata": "0" * 64})),
    ),
]


def _under_a_root(settings: str) -> Callable[[Path], None]:
    """The project becomes a member of a workspace, whose root says something else."""

    def forge(folder: Path) -> None:
        text = f"[tool.uv.workspace]\nmembers = ['{folder.name}']\n[tool.uv]\n{settings}\n"
        root = write_lock(folder.parent, text, "pyproject.toml")
        stated = [{"path": "../pyproject.toml", "sha256": digest_of(root)}]
        edit(folder / "c" / "manifest.json", lambda m: m.update({"workspace": stated}))

    return forge


def _group_for(pythons: str) -> Callable[[Path], None]:
    """What is required by the extra is required by a group now, which is not for that Python."""

    def forge(folder: Path) -> None:
        path = folder / "pyproject.toml"
        text = (
            path.read_text().replace("extra = ['tool']", "").replace("[[{extra = 'extra'}, {extra = 'other'}]]", "[]")
        )
        path.write_text(
            f"{text}\n[dependency-groups]\ndev = ['tool']\n[tool.uv.dependency-groups]\n"
            f"dev = {{ requires-python = '{pythons}' }}\n"
        )
        digest = digest_of(path)
        edit(folder / "c" / "manifest.json", lambda m: m["project"].update({"sha256": digest}))

        def change(words: Any) -> None:
            words.update({"sha256": digest})
            words["environments"][0].update({"extras": [], "groups": ["dev"]})
            for fact in words["facts"]:
                if fact.get("list") == "project.optional-dependencies.extra":
                    fact["list"] = "dependency-groups.dev"

        edit(folder / "c" / "no-lock" / "obligation.json", change)
        sign(folder / "c")

    return forge


_KINDS["settings that are elsewhere"] = [
    _steps(
        "no_lock",
        ("no constraint of the root", _under_a_root("")),
        *(
            (what, _under_a_root(f"constraint-dependencies = ['app<2']\n{settings}"))
            for what, settings in (
                ("an override of the root", "override-dependencies = ['lib==2']"),
                ("an exclusion of the root", "exclude-dependencies = ['lib']"),
                ("metadata that the root states", "dependency-metadata = [{ name = 'app', requires-dist = [] }]"),
                ("environments of the root", "environments = [\"sys_platform == 'win32'\"]"),
            )
        ),
        ("a group for older Pythons", _group_for("<3.12")),
    ),
]


# -- locks that are read in two ways


def _bad_lock(
    honest: str, real: str, name: str = "uv.lock", prove: str = "unique", patched: dict[str, Any] | None = None
) -> Callable[[Path], None]:
    """The certificate of a lock as a careless reader would take it, for what its installer makes of it.

    ``patched`` are functions of our own reader that are careless then.
    """

    def forge(folder: Path) -> None:
        from satlock.solver.lockfiles import uv_lock, uv_markers
        from satlock.solver.lockfiles.reading import read_lockfile
        from satlock.solver.proofs.certificate import write_certificate
        from satlock.solver.proofs.installable import prove_installable
        from satlock.solver.proofs.pins import prove_index_pins
        from satlock.solver.proofs.unique import prove_unique

        shutil.rmtree(folder / "c")
        (folder / "uv.lock").unlink()
        (folder / "pyproject.toml").unlink()
        if prove == "index-pins":
            write_lock(
                folder, PINNED.replace(', extra = "cpu" }, { index = "cu124", extra = "cu124" ', " "), "pyproject.toml"
            )
        how = {"unique": prove_unique, "installable": prove_installable, "index-pins": prove_index_pins}[prove]
        with pytest.MonkeyPatch.context() as careless:
            for one, instead in (patched or {}).items():
                careless.setattr(uv_markers if one == "_as_text" else uv_lock, one, instead)
            proof = how(read_lockfile(write_lock(folder, honest, name)))
        write_certificate(folder / "c", [proof])
        bind(folder / "c", write_lock(folder, real, name))

    return forge


_NO_ROOTS = {"_find_roots": lambda *ignored: None}


def _uv_of(one: str, other: str, *, root: str = 'virtual = "."', further: str = "", wheel: str = "") -> str:
    """A project that requires two versions of torch, under two markers."""
    markers = "".join(
        f"""{{ name = "torch", version = "{k}", source = {{ registry = "https://index.example/cpu" }}, """
        f"""marker = "{text}" }}, """ for k, text in enumerate((one, other), 1) if text
    )  # fmt: skip
    lines = ["version = 1", 'requires-python = ">=3.9"', "[[package]]", 'name = "origin"', 'version = "0"',
             f"source = {{ {root} }}", f"dependencies = [{markers}]", further]  # fmt: skip
    for k in (1, 2):
        lines += ["[[package]]", 'name = "torch"', f'version = "{k}"',
                  'source = { registry = "https://index.example/cpu" }', f"wheels = [{wheel}]"]  # fmt: skip
    return "\n".join(lines) + "\n"


_ONE = "python_version >= '3.9'"
_NEVER = "python_version < '3'"
_OLD = _uv_of(_ONE, _NEVER)
_BOTH = _uv_of(_ONE, _ONE)
_AT = _BOTH.replace("{", "{{").replace("}", "}}").replace('virtual = "."', 'editable = "{0}"')
_MANY = (f"sys_platform == 'p{k}' or platform_system == 's{k}'" for k in range(1000))
_GROUP = """[package.dependency-groups]
dev = [{ name = "torch", version = "2", source = { registry = "https://index.example/cpu" } }]"""


def _wheel(honest: str, real: str) -> Callable[[Path], None]:
    def one(wheel: str) -> str:
        return _uv_of(_ONE, "", wheel=f"{{ {wheel} }}")

    return _bad_lock(one(honest), one(real), prove="installable")


def _marker(honest: str, real: str) -> Callable[[Path], None]:
    return _bad_lock(_uv_of(_ONE, honest), _uv_of(_ONE, real))


_LISTED = """[[package]]
name = "{0}"
version = "{1}"
groups = [{2}]
files = [{3}]
"""
_POETRY_OF = '[metadata]\nlock-version = "{0}"\npython-versions = ">=3.9"\n'
_PDM_OF = '[metadata]\nlock_version = "{0}"\nstrategy = ["inherit_metadata"]\ngroups = ["default"]\n'
_GOOD_ADDRESS, _BAD_NAME = "https://index.example/torch-1-py3-none-any.whl", "torch-1-cp27-none-win32"
_DEFAULTS = f'default-groups = ["a", "b"]\n{PYLOCK_OF_TWO}'.replace('extras = ["cpu", "cu"]\n', "")
_DEFAULTS = _DEFAULTS.replace("'cpu' in extras", "'a' in dependency_groups").replace(
    "'cu' in extras", "'b' in dependency_groups"
)

_KINDS["locks that others read otherwise"] = [
    _steps(
        "uv",
        (
            "groups under their other name",
            _bad_lock(_OLD, _uv_of(_ONE, _NEVER, further=_GROUP)),
        ),
        ("of a later version", _bad_lock(_OLD, _OLD.replace("version = 1\n", "version = 2\n", 1))),
        ("of no version", _bad_lock(_OLD, _OLD.replace("version = 1\n", "", 1))),
        ("packages under their other name", _bad_lock(_OLD, f"{_OLD}[[distribution]]\nname = 'a'\n")),
        (
            "the project at an empty path",
            _bad_lock(_AT.format(""), _AT.format(""), patched=_NO_ROOTS),
        ),
        (
            "the project at no path",
            _bad_lock(_AT.format("x"), _AT.format("x"), patched=_NO_ROOTS),
        ),
        ("an empty list of members", _bad_lock(_BOTH, f"{_BOTH}[manifest]\nmembers = []\n", patched=_NO_ROOTS)),
        ("an entry twice", _bad_lock(_OLD, f"{_OLD}[[package]]{_OLD.rpartition('[[package]]')[2]}")),
        (
            "an entry from two places",
            _bad_lock(
                _OLD, _OLD.replace("/cpu\" }\nwheels", "/cpu\", url = \"https://evil.example/x.whl\" }\nwheels"),
                prove="index-pins",
            ),
        ),
        ("a Python that is none", _marker(_NEVER, "python_version < 'soon'")),
        ("a Python in a text", _marker("python_full_version == '3.9'", "'3.1' in python_version")),
        (
            "Pythons in a list",
            _bad_lock(
                _uv_of("python_full_version not in '3.12.10'", "python_full_version == '3.12.1'"),
                _uv_of("python_full_version not in '3.12.10'", "python_full_version == '3.12.1'"),
                patched={"uv_marker": read_marker},
            ),
        ),
        (
            "a pre-release of a Python",
            _bad_lock(
                _uv_of("python_full_version <= '3.12.1rc1'", "python_full_version == '3.12.1'"),
                _uv_of("python_full_version <= '3.12.1rc1'", "python_full_version == '3.12.1'"),
                patched={"uv_marker": read_marker},
            ),
        ),
        (
            "an escape in a marker",
            _bad_lock(
                _uv_of("sys_platform == 'li\\\\x6eux'", "sys_platform != 'linux'"),
                _uv_of("sys_platform != 'li\\\\x6eux'", "sys_platform == 'linux'"),
                patched={"uv_marker": read_marker},
            ),
        ),
        (
            "releases as versions",
            _bad_lock(
                _uv_of("platform_release >= '10'", "platform_release < '9'"),
                _uv_of("platform_release >= '10'", "platform_release < '9'"),
                patched={"_as_text": lambda asked: asked},
            ),
        ),
        (
            "a wheel that is called otherwise",
            _wheel(
                f'url = "{_GOOD_ADDRESS}"',
                f'url = "https://index.example/{_BAD_NAME}.whl", filename = "torch-1-py3-none-any.whl"',
            ),
        ),
        (
            "a wheel with a query",
            _wheel(f'url = "{_GOOD_ADDRESS}"', f'url = "https://index.example/{_BAD_NAME}.whl?/torch-1-py3-none-any.whl"'),
        ),
        (
            "a wheel with a fragment",
            _wheel(f'url = "{_GOOD_ADDRESS}"', f'url = "https://index.example/{_BAD_NAME}.whl#/torch-1-py3-none-any.whl"'),
        ),
        ("a wheel with an escape", _wheel(f'url = "{_GOOD_ADDRESS}"', f'url = "https://index.example/{_BAD_NAME}%2Ewhl"')),
        ("a wheel that is none", _wheel(f'url = "{_GOOD_ADDRESS}"', f'url = "https://index.example/{_BAD_NAME}.txt"')),
        ("groups that are installed by default", _bad_lock(
            _DEFAULTS.partition("\n")[2], _DEFAULTS, "pylock.toml")),
        ("a later pylock.toml", _bad_lock(
            PYLOCK_OF_TWO.replace("'cu' in", "'cpu' not in"),
            PYLOCK_OF_TWO.replace("'cu' in", "'cpu' not in").replace('"1.0"', '"1.1"'), "pylock.toml")),
        ("a later poetry.lock", _bad_lock(
            _POETRY_OF.format("2.1") + _LISTED.format("a", 1, '"main"', ""),
            _POETRY_OF.format("2.00") + _LISTED.format("a", 1, '"main"', ""), "poetry.lock")),
        ("a later pdm.lock", _bad_lock(
            _PDM_OF.format("4.5.0") + _LISTED.format("a", 1, '"default"', ""),
            _PDM_OF.format("9.0") + _LISTED.format("a", 1, '"default"', ""), "pdm.lock")),
        ("a file that nobody installs", _bad_lock(
            _POETRY_OF.format("2.1") + _LISTED.format("a", 1, '"main"', '{ file = "a-1.tar.gz" }'),
            _POETRY_OF.format("2.1") + _LISTED.format("a", 1, '"main"', '{ file = "a-1-py3-none-any.exe" }'),
            "poetry.lock", "installable")),
        ("markers with a thousand platforms", _bad_lock(
            _OLD, _uv_of(" or ".join(_MANY), _NEVER))),
        ("markers with ten thousand Pythons", _bad_lock(
            _OLD, _uv_of(" or ".join(f"python_full_version == '3.{k}.1'" for k in range(10_000)), _NEVER))),
    )
]  # fmt: skip

_KINDS["addresses of requirements"] = [
    _of_words(
        "direct",
        "complete/obligation.json",
        ("of the project, another one", lambda w: w["requirements"].update({"unmet 0~0": "b @ https://evil.example/b.whl"})),
        ("of the project, left out", lambda w: w["requirements"].update({"unmet 0~0": "b"})),
        ("of the project, a version instead", lambda w: w["requirements"].update({"unmet 0~0": "b>=1"})),
        ("of the project, hidden", lambda w: w["requirements"].update({"unmet 0~0": "b @ https://****"})),
        ("of a member, another one", lambda w: w["requirements"].update({"unmet 1~0": "b @ https://evil.example/b.whl"})),
        ("of a member, left out", lambda w: w["requirements"].update({"unmet 1~0": "b"})),
        ("of a member, a version instead", lambda w: w["requirements"].update({"unmet 1~0": "b>=1"})),
    ),
    _of_words(
        "complete",
        "complete/obligation.json",
        ("where there is none", lambda w: w["requirements"].update({"unmet 1~0": "b @ https://evil.example/b.whl"})),
    ),
]  # fmt: skip

_KINDS["numbers and words that others read otherwise"] += [
    _steps(
        "uv",
        *(
            (f"{what} in {name}", _bytes(name, lambda text, mark=mark: text.replace(*mark, 1)))
            for name in ("obligation.cnf", "proof.lrat")
            for what, mark in (
                ("a line that ends otherwise", (b"\n", "\u2028".encode())),
                ("a blank that does not break", (b" 0\n", "\u00a00\n".encode())),
                ("a form feed", (b" 0\n", b"\x0c0\n")),
                ("a carriage return", (b"\n", b"\r\n")),
            )
        ),
        ("nothing but a word", _text("unique/obligation.json", '"unique"')),
        ("nothing at all", _text("unique/obligation.json", "")),
        ("not a number", _text("unique/obligation.json", "NaN")),
        ("a very long number", _text("unique/legend.json", "9" * 5000)),
    ),
    _of_manifest(
        "uv",
        ("a lockfile with a long name", _stated_path("../" + "a" * 5000)[1]),
        _stated_path("../x\nConfirmed: unique for all packages."),
        _stated_path("../\ud800"),
    ),
    _of_words(
        "no_lock",
        "no-lock/obligation.json",
        ("ranks from far below", lambda w: _by(w, "app")["by"].update({"ranks": [[-(10**12), 1]]})),
        ("a million times the same rank", lambda w: _by(w, "app")["by"].update({"ranks": [[1, 1]] * 1_000_000})),
        ("facts without end", lambda w: w["facts"].extend({**_out("held"), "why": str(k)} for k in range(20_000))),
        (
            "a Python with a zero more",
            lambda w: _place(w).update({"python_full_version": "03.12.0", "python_version": "03.12"}),
        ),
        ("a release that is an object", lambda w: _place(w).update({"platform_release": {"a": 1}})),
        ("a reason that is a list", lambda w: w["packages"]["lib"].update({"left-out": {"3": ["is yanked"]}})),
        ("a hash that is a list", lambda w: _read_of(w, "app")["1"].update({"sha256": ["0" * 64]})),
    ),
]  # fmt: skip

FORGERIES = [forgery._replace(kind=kind) for kind, lists in _KINDS.items() for some in lists for forgery in some]
