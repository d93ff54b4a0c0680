"""A project on disk, a snapshot of its world beside it, and runs of ``satlock`` on the two."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from satlock.cli.commands import satlock
from satlock.corpora.facts import Listing, Wanted
from satlock.corpora.recorded.snapshot import write_snapshot
from tests.world import Dist, MemoryCorpus, World

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Scene:
    """Where a project and a snapshot lie."""

    project: Path
    snapshot: Path

    @property
    def lockfile(self) -> Path:
        return self.project / "pylock.toml"

    def rewrite(self, pyproject: str) -> None:
        (self.project / "pyproject.toml").write_text(pyproject, encoding="utf-8")

    def arguments(self, *more: str) -> list[str]:
        return ["lock", "--project", str(self.project), "--corpus", str(self.snapshot), *more]

    def lock(self, *more: str, env: Mapping[str, str] | None = None) -> Result:
        """Runs ``satlock lock`` in this process."""
        return CliRunner().invoke(satlock, self.arguments(*more), env=env)

    def run(self, *more: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Runs ``satlock lock`` in a process of its own."""
        return run(*self.arguments(*more), env=env)

    def entries(self) -> list[tuple[str, str]]:
        """The names and versions in the lock."""
        import tomllib

        packages = tomllib.loads(self.lockfile.read_text(encoding="utf-8")).get("packages", [])
        return [(package["name"], package["version"]) for package in packages]

    def files(self) -> list[str]:
        return sorted(path.name for path in self.project.iterdir())


def run(*arguments: str, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "satlock", *arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def scene_of(world: World, folder: Path) -> Scene:
    """Writes a world's project, and all that its indexes know, into a folder."""
    project = folder / "project"
    project.mkdir(parents=True, exist_ok=True)
    scene = Scene(project, folder / "world.snapshot")
    scene.rewrite(world.pyproject)
    record(world, scene.snapshot)
    return scene


def record(world: World, path: Path) -> None:
    """Writes a snapshot of a world in which every name that is mentioned anywhere was asked for in every index."""
    corpus = MemoryCorpus(world)
    names = set(_mentioned(world))
    listings: dict[tuple[str, str], Listing | None] = dict(
        corpus.listings([(index, name) for index in {*world.indexes, world.default_index} for name in names])
    )
    wanted = [
        Wanted(listing.index, listing.name, release.version, release.files, build)
        for listing in listings.values()
        if listing is not None
        for release in listing.releases
        if release.raw_files
        for build in (False, True)
    ]
    write_snapshot(
        path,
        listings,
        corpus.metadata(wanted),
        recorded="2024-12-05T00:00:00Z",
        default_index=world.default_index,
    )


def _mentioned(world: World) -> Iterable[str]:
    for _, name, _, dist in world.candidates():
        yield name
        for line in dist.requires_dist:
            with suppress(InvalidRequirement):  # Such a line asks for nothing.
                yield canonicalize_name(Requirement(line).name)
    yield from (canonicalize_name(word) for word in re.findall(r'"([A-Za-z][\w.-]*)', world.pyproject))


def pyproject(*dependencies: str, more: str = "", requires_python: str = ">=3.11") -> str:
    asked = ", ".join(f'"{dependency}"' for dependency in dependencies)
    head = f'[project]\nname = "proj"\nversion = "0.1.0"\nrequires-python = "{requires_python}"\n'
    return f"{head}dependencies = [{asked}]\n{more}"


def world_of(
    packages: Mapping[str, Mapping[str, Dist]], text: str, **indexes: Mapping[str, Mapping[str, Dist]]
) -> World:
    """A world with these packages in its default index, and others in the indexes of these names."""
    default = "https://index.example/simple"
    others = {f"https://index.example/whl/{name}": found for name, found in indexes.items()}
    return World(text, {default: packages, **others}, default)
