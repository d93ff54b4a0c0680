"""The kinds of projects whose ``uv.lock`` was once wrong, each by its name: members without a build system, groups in
conflict with their project, conflicts that follow from others, and what a lock repeats of a project.

Each is locked by the real uv too, which accepts satlock's lock, leaves its bytes alone, and installs from both the same
for every choice, or refuses the same (``agrees`` in tests/uvlock/beside.py).
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.index_server import IndexServer
from tests.uvlock.beside import Pair, Tally, accepted, agrees, pair_of, server
from tests.uvlock.projects import SECOND, SmallProject
from tests.world import DEFAULT

__all__ = ["server"]

pytestmark = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")

Choice = tuple[str, ...]

NEW = '[project.optional-dependencies]\nnew = ["alpha>=3"]\n'
BUILT = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
CPU_GPU = '[project.optional-dependencies]\ncpu = ["engine<2"]\ngpu = ["engine>=2"]\n'
INDEX = '[[tool.uv.index]]\nname = "second"\nurl = "SECOND"\nexplicit = true\n'
SIDES = '[project.optional-dependencies]\nold = ["alpha<3"]\nnew = ["alpha>=3"]\n'


def project(requires: str = "[]", more: str = "", name: str = "demo") -> str:
    head = f'[project]\nname = "{name}"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
    return f"{head}dependencies = {requires}\n{more}"


def apart(*sets: str) -> str:
    return f"[tool.uv]\nconflicts = [{', '.join(f'[{members}]' for members in sets)}]\n"


def workspace(*names: str) -> str:
    members = "".join(f"{name}.workspace = true\n" for name in names)
    return f'[tool.uv.sources]\n{members}[tool.uv.workspace]\nmembers = ["member/*"]\n'


@dataclass(frozen=True)
class Kind:
    """A project, and what is known of the lock before anybody makes it."""

    root: str
    """Its file, in which ``SECOND`` stands for the address of an index."""
    members: dict[str, str] = field(default_factory=dict)
    extras: Choice = ()
    groups: Choice = ()
    options: Choice = ()
    """What both tools are told."""
    holds: Choice = ()
    """What the lock has in it, word for word; ``SECOND`` and ``DEFAULT`` stand for the indexes."""
    lacks: Choice = ()
    installs: dict[Choice, dict[str, str] | None] = field(default_factory=dict)
    """What a choice installs beside members; None where it is refused."""
    told: dict[str, str | None] = field(default_factory=dict)
    """How the summary and the report name the place of a version (``alpha 2.0``)."""
    warned: str = ""
    """What is said beside it."""
    only_here: str = ""
    """Why uv itself finds no lock."""
    stricter: tuple[Choice, ...] = ()
    """Choices that are in conflict by the project, and that uv lets through with its own lock alone."""


KINDS = {
    "members with and without a build system": Kind(
        project('["core"]', workspace("core")),
        {
            "core": project('["alpha<3"]', name="core"),
            "spare": project('["delta"]', name="spare"),
            "plug": project("[]", BUILT, "plug"),
        },
        holds=(
            'source = { virtual = "." }',
            'source = { editable = "member/core" }',  # somebody requires it, so uv builds it all the same
            'source = { virtual = "member/spare" }',
            'source = { editable = "member/plug" }',
        ),
        installs={(): {"alpha": "2.0"}, ("--package", "spare"): {"delta": "1.1"}},
    ),
    "a group in conflict with its project": Kind(
        project(
            '["alpha>=3"]', '[dependency-groups]\nlint = ["alpha<3"]\n' + apart('{package="demo"}, {group="lint"}')
        ),
        groups=("lint",),
        installs={(): {"alpha": "3.0"}, ("--only-group", "lint"): {"alpha": "2.0"}, ("--group", "lint"): None},
        told={"alpha 2.0": "only group lint", "alpha 3.0": "the project itself is installed"},
    ),
    "a group that includes one in conflict with its project": Kind(
        project(
            '["alpha>=3"]',
            '[dependency-groups]\nlint = ["alpha<3"]\nci = ["delta", {include-group = "lint"}]\n'
            + apart('{package="demo"}, {group="lint"}'),
        ),
        groups=("lint", "ci"),
        installs={
            ("--only-group", "lint"): {"alpha": "2.0"},
            ("--only-group", "ci"): {"alpha": "2.0", "delta": "1.1"},
            ("--group", "ci"): None,
        },
        told={
            "alpha 2.0": "only group ci or only group lint",
            "alpha 3.0": "the project itself is installed",
            "delta 1.1": "only group ci",
        },
    ),
    "a group that asks for an extra": Kind(
        project("[]", CPU_GPU + '[dependency-groups]\ndev = ["demo[gpu]"]\n' + apart('{extra="cpu"}, {extra="gpu"}')),
        extras=("cpu", "gpu"),
        groups=("dev",),
        installs={
            ("--group", "dev"): {"engine": "2.0"},
            ("--only-group", "dev"): {"engine": "2.0"},
            ("--extra", "cpu"): {"engine": "1.0"},
            ("--extra", "cpu", "--group", "dev"): None,
        },
        warned="uv export",
    ),
    "an extra that asks for another with another index": Kind(
        project(
            "[]",
            '[project.optional-dependencies]\ncpu = ["engine"]\ngpu = ["engine"]\nall = ["demo[cpu]", "delta"]\n'
            + apart('{extra="cpu"}, {extra="gpu"}')
            + INDEX
            + '[tool.uv.sources]\nengine = [{ index = "second", extra = "gpu" }]\n',
        ),
        extras=("cpu", "gpu", "all"),
        installs={
            ("--extra", "all"): {"engine": "2.0", "delta": "1.1"},
            ("--extra", "gpu"): {"engine": "2.0+second"},
        },
        warned="uv export",
        stricter=(("--extra", "gpu", "--extra", "all"),),
    ),
    "an extra that asks for another with other versions": Kind(
        project("[]", CPU_GPU + 'all = ["demo[cpu]", "delta"]\n' + apart('{extra="cpu"}, {extra="gpu"}')),
        extras=("cpu", "gpu", "all"),
        installs={
            ("--extra", "all"): {"engine": "1.0", "delta": "1.1"},
            ("--extra", "gpu"): {"engine": "2.0"},
            ("--extra", "gpu", "--extra", "all"): None,
        },
        warned="uv export",
        only_here="demo[all] and demo[gpu] are incompatible",
    ),
    "extras that forward to those of a member": Kind(
        project(
            "[]", '[project.optional-dependencies]\nback = ["core[old]"]\non = ["core[new]"]\n' + workspace("core")
        ),
        {"core": project("[]", SIDES + apart('{extra="old"}, {extra="new"}'), "core")},
        extras=("back", "on"),
        installs={
            ("--extra", "back"): {"alpha": "2.0"},
            ("--extra", "on"): {"alpha": "3.0"},
            ("--extra", "back", "--extra", "on"): None,
        },
    ),
    "a member in conflict with the extra of another": Kind(
        project("[]", apart('{package="core"}, {package="plug", extra="new"}') + workspace()),
        {"core": project('["alpha<3"]', name="core"), "plug": project('["delta"]', NEW, "plug")},
        installs={
            ("--package", "core"): {"alpha": "2.0"},
            ("--package", "plug", "--extra", "new"): {"alpha": "3.0", "delta": "1.1"},
            ("--all-packages", "--extra", "new"): None,
        },
    ),
    "a requirement of an extra of a member that is in conflict": Kind(
        project('["core[old]"]', workspace("core")),
        {"core": project("[]", SIDES + apart('{extra="old"}, {extra="new"}'), "core")},
        installs={
            (): {"alpha": "2.0"},
            ("--package", "core", "--extra", "new"): {"alpha": "3.0"},
            ("--all-packages", "--extra", "new"): None,
        },
    ),
    "a group that includes one of a conflict": Kind(
        project(
            "[]",
            '[dependency-groups]\nlint = ["alpha<3"]\ndocs = ["alpha>=3"]\ndev = ["delta", {include-group = "lint"}]\n'
            + apart('{group="lint"}, {group="docs"}'),
        ),
        groups=("lint", "docs", "dev"),
        installs={
            ("--group", "dev"): {"alpha": "2.0", "delta": "1.1"},
            ("--only-group", "docs"): {"alpha": "3.0"},
            ("--group", "docs", "--group", "dev"): None,
        },
    ),
    "constraints and overrides with the index of their source": Kind(
        project(
            '["metrics", "beta"]',
            '[tool.uv]\nconstraint-dependencies = ["engine<2"]\noverride-dependencies = ["alpha<2"]\n'
            + INDEX
            + '[[tool.uv.index]]\nname = "first"\nurl = "DEFAULT"\nexplicit = true\n'
            '[tool.uv.sources]\nengine.index = "second"\nalpha.index = "first"\n',
        ),
        holds=(
            'constraints = [{ name = "engine", specifier = "<2", index = "SECOND" }]',
            'overrides = [{ name = "alpha", specifier = "<2", index = "DEFAULT" }]',
        ),
        installs={(): {"metrics": "1.0", "engine": "1.0+second", "beta": "2.0", "alpha": "1.0"}},
    ),
    "options of the project": Kind(
        project(
            '["alpha>=2"]',
            '[tool.uv]\nresolution = "lowest-direct"\nprerelease = "allow"\nfork-strategy = "fewest"\n',
        ),
        holds=('resolution-mode = "lowest-direct"', 'prerelease-mode = "allow"', 'fork-strategy = "fewest"'),
        installs={(): {"alpha": "2.0"}},
    ),
    "options of the command line": Kind(
        project('["alpha>=2"]'),
        options=("--resolution", "lowest-direct", "--prerelease", "allow", "--fork-strategy", "fewest"),
        holds=('resolution-mode = "lowest-direct"', 'prerelease-mode = "allow"', 'fork-strategy = "fewest"'),
        installs={(): {"alpha": "2.0"}},
    ),
    "options that say what holds anyway": Kind(
        project('["alpha"]', '[tool.uv]\nresolution = "highest"\nfork-strategy = "requires-python"\n'),
        lacks=("[options]",),
        installs={(): {"alpha": "3.0"}},
    ),
    "a root with nothing but dev-dependencies": Kind(
        '[tool.uv]\ndev-dependencies = ["alpha<3"]\n',
        groups=("dev",),
        holds=("[manifest.dependency-groups]",),
        installs={(): {}, ("--group", "dev"): {"alpha": "2.0"}},
    ),
    "a workspace without members": Kind(
        project('["alpha"]', "[tool.uv.workspace]\nmembers = []\n"),
        lacks=("[manifest]",),
        installs={(): {"alpha": "3.0"}},
    ),
}


def pair(kind: Kind, server: IndexServer, folder: Path) -> Pair:
    def placed(text: str) -> str:
        return text.replace("SECOND", server.url(SECOND)).replace("DEFAULT", server.url(DEFAULT))

    files = {"pyproject.toml": placed(kind.root)}
    files |= {f"member/{name}/pyproject.toml": text for name, text in kind.members.items()}
    files |= {f"member/{name}/src/{name}/__init__.py": "" for name, text in kind.members.items() if BUILT in text}
    made = SmallProject(files, kind.extras, kind.groups, tuple(kind.members))
    return pair_of(server, folder / "both", made, kind.options)


@pytest.mark.parametrize("name", KINDS)
def test_both_lock_it_alike(server: IndexServer, tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    both = pair(kind, server, tmp_path)
    if kind.only_here:
        assert kind.only_here in " ".join(both.peer.run("lock").stderr.split())
        assert both.lock().exit_code == 0
        accepted(both, name)
    else:
        assert agrees(both, name, Tally(), kind.stricter), "one of them does not lock it"
    text = (both.mine.folder / "uv.lock").read_text("utf-8")
    own = re.compile(r"^source = \{ (?:virtual|editable|directory) .*", re.MULTILINE)
    if not kind.only_here:
        assert own.findall(text) == own.findall((both.peer.folder / "uv.lock").read_text("utf-8"))
    text = text.replace(server.url(SECOND), "SECOND").replace(server.url(DEFAULT), "DEFAULT")
    assert [part for part in kind.holds if part not in text] == [] == [part for part in kind.lacks if part in text]
    members = {"demo", *kind.members}
    for choice, expected in kind.installs.items():
        found = both.installs(both.mine, *choice)
        found = found and {each: version for each, version in found.items() if each not in members}
        assert found == expected, choice
        assert kind.only_here or (both.installs(both.peer, *choice) is None) == (expected is None), choice
    if kind.told or kind.warned:
        said_rightly(both, kind)


def said_rightly(both: Pair, kind: Kind) -> None:
    lockfile = both.mine.folder / "uv.lock"
    lockfile.unlink()
    said = " ".join(both.lock().output.split())
    assert kind.warned in said
    lockfile.unlink()
    report = json.loads(both.lock("--json").stdout)
    places = {f"{one['name']} {one['version']}": one["marker"] for one in report["packages"]}
    assert {each: places[each] for each in kind.told} == kind.told
    for each, place in kind.told.items():
        name, version = each.split()
        assert name not in report["several"] or f"{version} {place}" in said


def test_conflicts_without_a_project_of_their_own(server: IndexServer, tmp_path: Path) -> None:
    """They name no package, and uv cannot tell whose groups they are."""
    groups = '[dependency-groups]\nlint = ["alpha<3"]\ndocs = ["alpha>=3"]\n'
    both = pair(Kind(groups + apart('{group="lint"}, {group="docs"}')), server, tmp_path)
    by_uv, done = both.peer.run("lock"), both.lock()
    assert by_uv.returncode and "package" in by_uv.stderr, by_uv.stderr
    assert done.exit_code == 2, done.output
    assert not (both.mine.folder / "uv.lock").exists()
