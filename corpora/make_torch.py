"""How ``corpora/torch/torch.snapshot`` was made; nobody needs to run this to use it.

    python -m satlock.corpora.make_torch

What the PyTorch indexes list is read from ``corpora/torch/facts.json``, gathered from public lockfiles:
``{index: {package: {version: {released, requires-python, requires-dist, files}}}}``. What all that requires is read
from the live default index (the user's own, see ``satlock.corpora.index.default_index``) as it was on a day: of each
package the newest versions that a requirement admits. All of it is moved to example hosts.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satlock.corpora.facts import (
    Corpus,
    Delegating,
    File,
    Guess,
    Listing,
    Metadata,
    MetadataOutcome,
    Release,
    Wanted,
)
from satlock.corpora.index.default_index import default_index_url
from satlock.corpora.index.index import LiveCorpus
from satlock.corpora.recorded.deepening import deepen
from satlock.corpora.recorded.recording import Recording, only_told, with_example_hosts
from satlock.corpora.recorded.snapshot import write_snapshot

if TYPE_CHECKING:
    pass

HERE = Path(__file__).parent / "torch"
DAY = "2025-09-01T00:00:00Z"
INDEXES = "https://index.example/whl"
PYTHONS = ">=3.12,<3.14"
"""What the projects beside this admit."""
NEWEST = 5


def main() -> None:
    facts = json.loads((HERE / "facts.json").read_text(encoding="utf-8"))
    projects = sorted(HERE.glob("*/pyproject.toml"))
    default_index = default_index_url().rstrip("/")
    with LiveCorpus() as live:
        recording = Recording(_Both(facts, live))
        asked = [(f"{INDEXES}/{label}", name) for label, packages in facts.items() for name in packages]
        listings = recording.listings(asked)
        recording.listings([(default_index, name) for name in {name for _, name in asked}])
        outcomes = recording.metadata(
            [
                Wanted(listing.index, listing.name, release.version, release.files)
                for listing in listings.values()
                if listing is not None
                for release in listing.releases
            ]
        )
        required = [one.requires_dist for one in outcomes.values() if isinstance(one, Metadata)]
        deepen(
            recording,
            [*chain.from_iterable(map(_requirements, projects)), *chain.from_iterable(required)],
            default_index=default_index,
            requires_python=PYTHONS,
            depth=NEWEST,
            before=DAY,
        )
    facts_told, default_index = with_example_hosts(only_told(recording.facts), default_index)
    names = [path.parent.name for path in projects]
    path = HERE / "torch.snapshot"
    write_snapshot(path, *facts_told, recorded=DAY, default_index=default_index, projects=names, small=True)
    print(f"{len(facts_told[0])} packages, {len(facts_told[1])} versions, {path.stat().st_size} bytes")


def _requirements(path: Path) -> Iterator[str]:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    yield from document["project"].get("dependencies", ())
    for texts in document["project"].get("optional-dependencies", {}).values():
        yield from (text for text in texts if not text.startswith(document["project"]["name"]))
    for texts in document.get("dependency-groups", {}).values():
        yield from (text for text in texts if isinstance(text, str))
    yield from document.get("tool", {}).get("uv", {}).get("override-dependencies", ())


class _Both(Delegating):
    """A corpus: the PyTorch indexes from the facts, every other from the network."""

    def __init__(self, facts: Mapping[str, Mapping[str, Mapping[str, Any]]], live: Corpus) -> None:
        super().__init__(live)
        self._listings: dict[tuple[str, str], Listing] = {}
        self._metadata: dict[tuple[str, str, str], Metadata] = {}
        for label, packages in facts.items():
            index = f"{INDEXES}/{label}"
            for name, versions in packages.items():
                releases = tuple(_release(index, name, version, fact) for version, fact in versions.items())
                self._listings[index, name] = Listing(name, index, releases)
                for version, fact in versions.items():
                    extras = sorted(set(re.findall(r'extra == "([^"]+)"', "\n".join(fact["requires-dist"]))))
                    self._metadata[index, name, version] = Metadata(
                        name, version, tuple(fact["requires-dist"]), fact["requires-python"], tuple(extras)
                    )

    def listings(self, wanted: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Listing | None]:
        pairs = list(wanted)
        elsewhere = [pair for pair in pairs if not pair[0].startswith(INDEXES)]
        return {pair: self._listings.get(pair) for pair in pairs} | dict(self._corpus.listings(elsewhere))

    def metadata(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, MetadataOutcome]:
        mine = {
            one: self._metadata[one.index, one.name, one.version] for one in wanted if one.index.startswith(INDEXES)
        }
        return mine | dict(self._corpus.metadata([one for one in wanted if one not in mine]))

    def prefetch(
        self, listings: Iterable[tuple[str, str]], metadata: Iterable[Wanted], then: Guess | None = None
    ) -> None:
        """Nothing: each is asked for at once."""


def _release(index: str, name: str, version: str, fact: Mapping[str, Any]) -> Release:
    day = f"{fact['released']}T00:00:00Z"
    files = [
        File(filename, f"{index}/{name}/{filename}", (), None, day, fact["requires-python"], None, None)
        for filename in fact["files"]
    ]
    return Release(
        version=version,
        requires_python=fact["requires-python"],
        yanked=False,
        upload_time=day,
        wheels=any(file.is_wheel for file in files),
        sdist=any(not file.is_wheel for file in files),
        raw_files=tuple(map(tuple, sorted(files))),
    )


if __name__ == "__main__":
    main()
