"""Written ``uv.lock`` files, judged by walking them as uv does and by satlock's own proofs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from satlock.corpora.facts import Corpus
from satlock.encoder.project.project import ProjectError
from satlock.encoder.project.reading import read_project
from satlock.encoder.project.universe import universe_of
from satlock.encoder.project.uv_view import uv_view_of
from satlock.solver.lockfiles.model import PRODUCTION, Switch
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.lockfiles.standing.reading import read_standing
from satlock.solver.locking import Locked, lock
from satlock.solver.proofs.unique import prove_unique
from satlock.solver.proofs.walk import Point, walk
from satlock.solver.search.search import NoLock
from satlock.solver.writing.uvlock.agreement import disagreement
from satlock.solver.writing.uvlock.members import default_groups_of, pythons_of_member
from satlock.solver.writing.uvlock.writing import stated_of, to_uv_lock
from tests.bruteforce import Environment as Machine
from tests.bruteforce import with_order
from tests.strategies import random_world
from tests.world import MemoryCorpus

MACHINES = {
    "linux": ("posix", "Linux", ("x86_64", "aarch64")),
    "win32": ("nt", "Windows", ("AMD64",)),
    "darwin": ("posix", "Darwin", ("arm64", "x86_64")),
}
VERSION = "10.1"
PYTHONS = ("3.11.0", "3.11.1", "3.11.9", "3.12.0", "3.13.2")


def environments() -> list[dict[str, str]]:
    """The environments in which every lock is walked."""
    return [
        {
            "implementation_name": "cpython",
            "implementation_version": python,
            "os_name": os_name,
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            "platform_release": "20.0",
            "platform_system": system,
            "platform_version": VERSION,
            "python_full_version": python,
            "python_version": python.rpartition(".")[0],
            "sys_platform": platform,
        }
        for platform, (os_name, system, machines) in MACHINES.items()
        for machine in machines
        for python in PYTHONS
    ]


def written(folder: Path, corpus: Corpus, default_index: str) -> tuple[Locked, str]:
    project = read_project(folder)
    found = lock(project, corpus, default_index=default_index)
    return found, to_uv_lock(found.lock, project, found.universe, uv_view_of(project.path), folder)


def choices_of(found: Locked) -> list[tuple[frozenset[str], frozenset[str]]]:
    """Every choice of at most two extras and of any groups."""
    extras = [frozenset(pair) for one in ("", *found.lock.extras) for other in ("", *found.lock.extras)
              for pair in [{one, other} - {""}]]  # fmt: skip
    groups = [frozenset({one, other} - {""}) for one in ("", *found.lock.groups) for other in ("", *found.lock.groups)]
    return list(dict.fromkeys((some, others) for some in extras for others in groups))


@pytest.mark.parametrize("batch", range(8))
def test_random_worlds_install_what_their_pylock_says(batch: int, tmp_path: Path) -> None:
    compared = walked = 0
    for seed in range(batch * 25, (batch + 1) * 25):
        world = random_world(seed)
        world.write_project(tmp_path)
        try:
            found, text = written(tmp_path, MemoryCorpus(world), world.default_index)
        except (NoLock, ProjectError):
            continue
        (tmp_path / "uv.lock").write_text(text)
        lockfile = read_lockfile(tmp_path / "uv.lock").lockfile
        assert all(answer.proven for answer in prove_unique(read_lockfile(tmp_path / "uv.lock")).answers), seed
        walked += walk_everywhere(found, lockfile, seed)
        compared += 1
    assert compared >= 5 and walked > 100


def walk_everywhere(found: Locked, lockfile, seed: int) -> int:  # type: ignore[no-untyped-def]
    admitted = found.lock.requires_python
    own = {entry.number for entry in lockfile.entries if str(entry.source) in ("virtual .", "editable .")}
    machine = Machine("3.11.0", version=VERSION)
    markers = [(one, with_order(one.marker, machine) if one.marker else None) for one in found.lock.packages]
    walked = 0
    for variables in environments():
        from packaging.specifiers import SpecifierSet

        if admitted and not SpecifierSet(admitted).contains(variables["python_full_version"]):
            continue
        for extras, groups in choices_of(found):
            switches = {
                *lockfile.required,
                PRODUCTION,
                *(Switch("extra", e) for e in extras),
                *(Switch("group", g) for g in groups),
            }
            done = walk(lockfile, Point(variables, frozenset(switches), {}))
            if done.refused is not None:
                continue
            numbers = {int(node.partition("[")[0]) for node in done.reached} - own
            installed = sorted(
                (lockfile.entries[n].name, lockfile.entries[n].version, str(lockfile.entries[n].source))
                for n in numbers
            )
            where = {**variables, "extras": set(extras), "dependency_groups": set(groups)}
            expected = sorted(
                (package.name, package.version, f"registry {package.index}")
                for package, marker in markers
                if marker is None or marker.evaluate(where, context="lock_file")
            )
            assert installed == expected, (seed, variables, extras, groups)
            walked += 1
    return walked


def test_the_default_groups_of_each_member(tmp_path: Path) -> None:
    """From its fifth revision on, a lock says what each member's ``default-groups`` say, sorted."""
    folder = tmp_path / "p"
    (folder / "m").mkdir(parents=True)
    groups = "[dependency-groups]\ndev = []\nlint = []\nb_B = []\n"
    head = '[project]\nname = "{}"\nversion = "1"\nrequires-python = ">=3.11"\n'
    (folder / "pyproject.toml").write_text(
        f'{head.format("p")}{groups}[tool.uv]\ndefault-groups = ["lint", "b_B"]\n[tool.uv.workspace]\nmembers = ["m"]\n'
    )
    (folder / "m" / "pyproject.toml").write_text(f'{head.format("m")}{groups}[tool.uv]\ndefault-groups = "all"\n')
    view = uv_view_of(folder / "pyproject.toml")
    stated = tomllib.loads(stated_of(view, folder))
    assert stated["revision"] == 5
    assert stated["package"][0]["default-groups"] == ["b-b", "lint"]
    assert default_groups_of("m", read_project(folder, whole_workspace=True)) == '"all"'


def test_the_pythons_of_each_members_groups(tmp_path: Path) -> None:
    """What a group says, and what those say that it includes, by version and with repetitions."""
    folder = tmp_path / "p"
    (folder / "m").mkdir(parents=True)
    head = '[project]\nname = "{}"\nversion = "1"\nrequires-python = ">=3.11"\n'
    groups = (
        '[dependency-groups]\nb = []\nf = [{include-group = "b"}]\nfree = []\n[tool.uv.dependency-groups]\n'
        'b = { requires-python = ">=3.13" }\nf = { requires-python = "<4,>=3.12" }\n'
    )
    (folder / "pyproject.toml").write_text(f'{head.format("p")}{groups}[tool.uv.workspace]\nmembers = ["m"]\n')
    (folder / "m" / "pyproject.toml").write_text(head.format("m") + groups.replace(">=3.13", "!=3.13.1"))
    stated = tomllib.loads(stated_of(uv_view_of(folder / "pyproject.toml"), folder))
    assert stated["package"][0]["group-requires-python"] == {"b": ">=3.13", "f": ">=3.12,>=3.13,<4"}
    project = read_project(folder, whole_workspace=True)
    said = tomllib.loads("\n".join(pythons_of_member("m", project)))["package"]["group-requires-python"]
    assert said == {"b": "!=3.13.1", "f": ">=3.12,!=3.13.1,<4"}


def test_a_page_of_files_is_known_by_its_address_to_the_letter(tmp_path: Path) -> None:
    """uv minds the slash at the end of find-links, and not that of an index."""
    path = tmp_path / "pyproject.toml"
    text = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\n[tool.uv]\n{} = ["https://files.example/a"]\n'
    for key, differs in (("find-links", True), ("extra-index-url", False)):
        path.write_text(text.format(key))
        project, view = read_project(path), uv_view_of(path)
        lock_of = tomllib.loads(stated_of(view, tmp_path))
        entry = {"name": "a", "version": "1", "source": {"registry": "https://files.example/a/"}}
        there = {**lock_of, "package": [*lock_of["package"], entry]}
        said = disagreement(there, project, universe_of(project), view, tmp_path)
        assert (said is not None and "with another end" in said) == differs
        assert disagreement(lock_of, project, universe_of(project), view, tmp_path) is None


def test_groups_by_the_name_that_uvs_first_locks_had_for_them(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(
        '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\n[dependency-groups]\ndev = ["a"]\n'
    )
    entry = '\n[[package]]\nname = "a"\nversion = "1"\nsource = { registry = "https://index.example/simple" }\n'
    text = stated_of(uv_view_of(path), tmp_path).replace(
        "\n[package.metadata.requires-dev]",
        '\n[package.dependency-groups]\ndev = [{ name = "a" }]\n\n[package.metadata.dependency-groups]',
    )
    project, view = read_project(path), uv_view_of(path)
    assert disagreement(tomllib.loads(text), project, universe_of(project), view, tmp_path) is None
    standing = read_standing(text + entry, "uv", str(tmp_path / "uv.lock"))
    assert standing.groups == ("dev",)
