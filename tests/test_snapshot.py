"""A snapshot answers as the corpus it was recorded from, is the same bytes each time, and never lies when damaged."""

from __future__ import annotations

import json
import random
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from satlock.corpora.facts import CorpusError, Listing, Metadata, MetadataOutcome, NeedsBuild, Unavailable, Wanted
from satlock.corpora.recorded.snapshot import SnapshotCorpus, write_snapshot
from tests.strategies import random_world
from tests.world import DEFAULT, Dist, MemoryCorpus, World

RECORDED = "2024-12-05T00:00:00Z"
WORLD = World(
    "",
    {
        DEFAULT: {
            "a": {"1.0": Dist(("b>=1; sys_platform == 'linux'", "ü ; extra == 'x'"), ">=3.9", ("x",), sdist=True)},
            "b": {"1.0": Dist(wheels=(), sdist=True, needs_build=True), "2.0": Dist(broken="it is broken")},
        }
    },
)

Facts = tuple[dict[tuple[str, str], Listing | None], dict[Wanted, MetadataOutcome]]


def everything(world: World) -> Facts:
    """All listings and all metadata of a world, and the answer for a package that is not there."""
    corpus = MemoryCorpus(world)
    keys = [(index, name) for index in world.indexes for name in [*world.indexes[index], "nowhere"]]
    listings = dict(corpus.listings(keys))
    wanted = [
        Wanted(listing.index, listing.name, release.version, release.files, build)
        for listing in listings.values()
        if listing is not None
        for release in listing.releases
        if release.raw_files
        for build in (False, True)
    ]
    return listings, dict(corpus.metadata(wanted))


def record(path: Path, facts: Facts) -> SnapshotCorpus:
    write_snapshot(path, *facts, recorded=RECORDED, default_index=DEFAULT)
    return SnapshotCorpus(path)


def test_it_answers_as_the_corpus_it_was_recorded_from(tmp_path: Path) -> None:
    listings, metadata = everything(WORLD)
    corpus = record(tmp_path / "one.snapshot", (listings, metadata))
    assert corpus.listings(listings) == listings
    assert corpus.metadata(list(metadata)) == metadata
    assert {type(outcome) for outcome in metadata.values()} == {Metadata, NeedsBuild, Unavailable}
    assert (corpus.recorded, corpus.default_index, corpus.indexes) == (RECORDED, DEFAULT, (DEFAULT,))
    assert corpus.packages(DEFAULT) == ("a", "b", "nowhere")
    corpus.prefetch([(DEFAULT, "absent")], [])
    corpus.close()


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6))
def test_random_worlds_come_back(tmp_path: Path, seed: int) -> None:
    listings, metadata = everything(random_world(seed))
    corpus = record(tmp_path / "one.snapshot", (listings, metadata))
    assert corpus.listings(listings) == listings
    assert corpus.metadata(list(metadata)) == metadata


def test_the_same_facts_are_the_same_bytes(tmp_path: Path) -> None:
    def shuffled(facts: Facts, seed: int) -> Facts:
        listings, metadata = list(facts[0].items()), list(facts[1].items())
        random.Random(seed).shuffle(listings)
        random.Random(seed).shuffle(metadata)
        return dict(listings), dict(metadata)

    facts = everything(random_world(7))
    paths = [tmp_path / str(seed) for seed in range(3)]
    for seed, path in enumerate(paths):
        record(path, shuffled(facts, seed))
    assert len({path.read_bytes() for path in paths}) == 1
    assert sorted(tmp_path.iterdir()) == paths, "no temporary file is left"


def test_what_was_not_recorded_is_an_error(tmp_path: Path) -> None:
    listings, metadata = everything(WORLD)
    one = next(wanted for wanted in metadata if wanted.name == "a")
    del metadata[one]
    corpus = record(tmp_path / "one.snapshot", (listings, {w: o for w, o in metadata.items() if w.name != "a"}))
    for ask in (
        lambda: corpus.listings([(DEFAULT, "absent")]),
        lambda: corpus.listings([("https://other.example/simple", "a")]),
        lambda: corpus.metadata([one]),
    ):
        with pytest.raises(CorpusError, match="the projects that it was recorded from did not read it"):
            ask()
    assert corpus.listings([(DEFAULT + "/", "a")])[DEFAULT + "/", "a"] is not None


def test_a_build_is_only_answered_by_what_a_build_told(tmp_path: Path) -> None:
    listings, metadata = everything(WORLD)
    built = next(wanted for wanted in metadata if wanted.name == "b" and wanted.version == "1.0" and wanted.build)
    del metadata[built]
    with pytest.raises(CorpusError, match=r"no metadata of b 1\.0"):
        record(tmp_path / "one.snapshot", (listings, metadata)).metadata([built])


def test_a_damaged_snapshot_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "one.snapshot"
    listings, metadata = everything(WORLD)
    record(path, (listings, metadata)).close()
    whole = path.read_bytes()
    with pytest.raises(CorpusError, match="cannot be read"):
        SnapshotCorpus(tmp_path / "absent")
    chooser = random.Random(0)
    for _ in range(300):
        damaged = bytearray(whole)
        if chooser.random() < 0.3:
            damaged = damaged[: chooser.randrange(len(damaged))]
        else:
            damaged[chooser.randrange(len(damaged))] ^= 1 << chooser.randrange(8)
        path.write_bytes(damaged)
        try:
            corpus = SnapshotCorpus(path)
            assert corpus.listings(listings) == listings
            assert corpus.metadata(list(metadata)) == metadata
        except CorpusError as error:
            assert str(error).count("\n") == 0 and str(path) in str(error)


def test_another_content_under_the_same_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.snapshot"
    listings, metadata = everything(WORLD)
    record(path, (listings, metadata)).close()
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content.replace(b"1.0", b"1.1") if name.startswith("objects/") else content)
    with pytest.raises(CorpusError, match="is damaged"):
        SnapshotCorpus(path).listings([(DEFAULT, "a")])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", json.dumps({"format": 99}))
    with pytest.raises(CorpusError, match="format 99"):
        SnapshotCorpus(path)
