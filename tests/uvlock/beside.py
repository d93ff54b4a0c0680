"""One project locked by the real uv and by satlock: uv takes satlock's lock for its own, and what the two install is
judged apart in what is there and in which version of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from packaging.requirements import Requirement
from packaging.version import Version

from satlock.cli.commands import satlock
from tests.index_server import IndexServer
from tests.uvlock.projects import WORLD, SmallProject
from tests.uvlock.test_real_uv import Uv
from tests.world import DEFAULT

UNSEEN = re.compile("uv does not see that|uv lets it be installed|has no lock|No lock exists")


@pytest.fixture(scope="module")
def server() -> Iterator[IndexServer]:
    with IndexServer(WORLD) as started:
        yield started


@dataclass
class Tally:
    """What was installed from both locks of one or more projects."""

    locked: int = 0
    """Projects that both lock."""
    installed: int = 0
    refused: int = 0
    """Choices that both refuse."""
    newer: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)
    """Those with an older version, or another build, for a written reason."""

    def __str__(self) -> str:
        said = f"{self.locked} projects locked by both, {self.refused} choices refused from both locks; "
        said += f"of {self.installed} installations {len(self.newer)} have something newer than uv's lock, and "
        said += f"{len(self.excused)} something older or another build for a reason"
        return "".join([said, *(f"\n  {one}" for one in (*self.newer, *self.excused))])


@dataclass
class Pair:
    """One project in two folders, and the two tools in them."""

    project: SmallProject
    mine: Uv
    peer: Uv
    index: str
    options: tuple[str, ...] = ()
    """What both tools are told when they lock."""

    def satlock(self, *arguments: str) -> Result:
        here = ["--project", str(self.mine.folder), "--default-index", self.index]
        return CliRunner().invoke(
            satlock, [*arguments, *here, "--cache-dir", str(self.mine.folder / ".cache")],
            env={"UV_PYTHON": self.mine.environment["UV_PYTHON"]},
        )  # fmt: skip

    def lock(self, *more: str) -> Result:
        return self.satlock("lock", *more, *self.options, "--output", str(self.mine.folder / "uv.lock"))

    def installs(self, uv: Uv, *asked: str) -> dict[str, str] | None:
        """What a choice installs, by name; None where uv refuses it."""
        done = uv.run("sync", "--frozen", "--dry-run", "--no-default-groups", *asked)
        if done.returncode:
            return None
        found = re.findall(r"^ \+ ([a-z-]+)(?:==(\S+))?", done.stderr, re.MULTILINE)
        assert len(found) == len(dict(found)), f"two of one name: {found}"
        return dict(found)


def put(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def pair_of(server: IndexServer, folder: Path, project: SmallProject, options: tuple[str, ...] = ()) -> Pair:
    mine, peer = (Uv(put(folder / name, project.files)) for name in ("satlock", "uv"))
    for uv in (mine, peer):
        uv.environment["UV_DEFAULT_INDEX"] = server.url(DEFAULT)
        uv.environment["UV_CACHE_DIR"] = str(folder.parent / "uv-cache")
    return Pair(project, mine, peer, server.url(DEFAULT), options)


def agrees(pair: Pair, what: object, tally: Tally, stricter: Sequence[tuple[str, ...]] = ()) -> bool:
    """Whether both lock a project; fails where they do, and satlock's lock installs other packages, or older ones.

    Args:
        stricter: choices that only satlock's lock makes uv refuse.
    """
    by_uv = pair.peer.run("lock", *pair.options)
    done = pair.lock()
    if by_uv.returncode or done.exit_code:
        assert done.exit_code == 0 or UNSEEN.search(done.output), (what, done.output)
        if by_uv.returncode == 0:
            refused(pair, what, done)
        return False
    tally.locked += 1
    accepted(pair, what)
    for choice in pair.project.choices():
        elsewhere = [("--python-platform", "windows")] if len(choice) < 3 else []  # pairs of choices here alone
        for platform in ((), *elsewhere):
            asked = (*choice, *platform)
            mine, peer = pair.installs(pair.mine, *asked), pair.installs(pair.peer, *asked)
            assert (mine is None) == (peer is None or choice in stricter), (what, asked, mine, peer)
            if mine is None or peer is None:
                tally.refused += 1
                continue
            tally.installed += 1
            verdict = judged(mine, peer, (what, asked), excuses_of(pair.project, choice))
            for said, found in ((verdict.newer, tally.newer), (verdict.excused, tally.excused)):
                if said:
                    found.append(f"{what} {' '.join(asked)}: {', '.join(said)}")
    return True


def accepted(pair: Pair, what: object) -> None:
    """uv accepts satlock's lock and leaves it alone; it is proven, and found up to date."""
    pair.mine.accepts(*pair.options)
    proven = CliRunner().invoke(satlock, ["prove", str(pair.mine.folder / "uv.lock")])
    assert proven.exit_code == 0, (what, proven.output)
    held = pair.lock("--check")
    assert held.exit_code == 0, (what, held.output)


def refused(pair: Pair, what: object, done: Result) -> None:
    """Where satlock refuses what uv locks, it names choices that are in conflict: and uv lets these be installed."""
    named = re.search(r"add \[(.*?)\] to tool.uv.conflicts", done.output)
    assert named is not None or "uv lets it be installed; drop one" in done.output, (what, done.output)
    chosen = re.findall(r'(extra|group) = "([^"]+)"', named[1]) if named is not None else []
    ways = [[word for kind, name in chosen for word in (f"--{kind}", name)]]
    if alone := re.search(r"group '([^']+)' brings both", done.output):
        ways.append(["--only-group", alone[1]])
    if chosen and all(kind == "group" for kind, _ in chosen):
        ways.append([word for _, name in chosen for word in ("--only-group", name)])
    told = [pair.peer.run("sync", "--frozen", "--dry-run", "--no-default-groups", *flags) for flags in ways]
    assert any(one.returncode == 0 for one in told), (what, done.output, told)


@dataclass(frozen=True)
class Verdict:
    """What two installations of the same packages differ in."""

    newer: list[str]
    excused: list[str]


FEWEST = "the fewest candidates are wanted, and a place may have the older one of two that are needed elsewhere"
SCOPED = "its source is for an extra that is not chosen, and uv heeds that only where the extra is in a conflict"


def excuses_of(project: SmallProject, choice: tuple[str, ...]) -> dict[str, str]:
    """Why the versions of satlock's lock may be older than uv's, or its builds others: by what is wrong."""
    text = project.files["pyproject.toml"]
    found = {"an older ": FEWEST} if 'fork-strategy = "fewest"' in text else {}
    for name, extra in re.findall(r'^(\w+) = \[\{ index = "second", extra = "(\w+)"', text, re.MULTILINE):
        if extra not in choice and f'{{ extra = "{extra}" }}' not in text:
            found[f"another build of {name}"] = SCOPED
    return found


def judged(mine: dict[str, str], peer: dict[str, str], where: object, excuses: Mapping[str, str]) -> Verdict:
    """Fails for another build and an older version without an excuse; and for a package that only one of them has,
    unless another version of something may be why.
    """
    versions = {name: (Version(mine[name] or "0"), Version(peer[name] or "0")) for name in mine.keys() & peer.keys()}
    others = {name: both for name, both in sorted(versions.items()) if both[0] != both[1]}
    assert mine.keys() ^ peer.keys() <= brought_by(set(others)), ("another package", where, mine, peer)
    verdict = Verdict([], [])
    for name, (one, other) in others.items():
        wrong = f"another build of {name}" if one.local != other.local else f"an older {name}" if one < other else ""
        reason = next((reason for kind, reason in excuses.items() if wrong.startswith(kind)), None)
        assert not wrong or reason, (wrong, where, mine, peer)
        said = f"{name} {one}, not {other}"
        (verdict.excused if wrong else verdict.newer).append(f"{said} ({reason})" if wrong else said)
    return verdict


def brought_by(names: set[str]) -> set[str]:
    """What any version of these requires, and what that does."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        asked = {
            Requirement(line).name
            for packages in WORLD.indexes.values()
            for dist in packages.get(name, {}).values()
            for line in dist.requires_dist
        }
        todo += asked - found
        found |= asked
    return found
