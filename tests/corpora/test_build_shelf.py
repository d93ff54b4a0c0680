"""The index that pip is shown for builds: which files of which index it has for a name."""

from __future__ import annotations

import io
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import replace
from typing import IO

import pytest

from satlock.corpora.facts import CorpusError, File, Listing, Release
from satlock.corpora.index.build_shelf import BuildShelf, Reading
from satlock.corpora.index.building import Building, Place
from satlock.corpora.index.files import Broken

OWN = Place("own", "https://own.example/simple", explicit=True)
FIRST, SECOND = Place("first", "https://first.example/simple"), Place("", "https://second.example/simple", default=True)
LINKS = Place("", "file:///links", flat=True)
TIME = "2024-01-01T00:00:00Z"


def served(building: Building, name: str, at: Mapping[Place, str], *, time: str | None = TIME) -> list[str]:
    """The versions that pip sees, where each index has one of ``at``; an index that has none there refuses."""

    def listing(index: str, asked: str) -> Listing | None:
        version = next((version for place, version in at.items() if place.url == index), "")
        if not version:
            raise CorpusError(f"{index} answers 403")
        if version == "absent":
            return None
        file = File(f"{asked}-{version}.tar.gz", f"{index}/{version}", (), None, time, ">=3.8", "so what", None)
        return Listing(asked, index, (Release(version, None, False, time, False, True, (tuple(file),)),))

    with BuildShelf(building, Reading(listing, lambda index, file: io.BytesIO(index.encode())), "3.12.1") as shelf:
        try:
            with urllib.request.urlopen(f"{shelf.url}/{name}/") as answer:
                page = answer.read().decode()
        except urllib.error.HTTPError as error:
            assert error.code == 404
            return [shelf.failure] if shelf.failure else []
        assert not shelf.failure
        assert ('data-requires-python="&gt;=3.8" data-yanked="so what"' in page) or not page
    return re.findall(r'href="[^"]*/(?:[^"/]*)-([^"/-]*)\.tar\.gz"', page)


def test_the_first_index_that_has_a_name_serves_it() -> None:
    building = Building(places=(SECOND, OWN, FIRST))  # the default index comes last, wherever it stands
    assert served(building, "thing", {FIRST: "1", SECOND: "2"}) == ["1"]
    assert served(building, "Th_ing", {FIRST: "absent", SECOND: "2"}) == ["2"]
    assert served(building, "thing", {FIRST: "absent", SECOND: "absent"}) == []
    assert served(building, "thing", {SECOND: "2"}) == [f"{FIRST.url} answers 403"]


def test_all_indexes_serve_a_name_only_where_the_project_says_so() -> None:
    indexes = {FIRST: "1", SECOND: "2"}
    assert served(Building(places=(FIRST, SECOND), index_strategy="unsafe-best-match"), "thing", indexes) == ["1", "2"]
    assert served(Building(places=(FIRST, SECOND), index_strategy="unsafe-first-match"), "thing", indexes) == ["1"]


@pytest.mark.parametrize(
    ("marker", "expected"), [("", "3"), ("python_version == '3.12'", "3"), ("python_version < '3.12'", "1")]
)
def test_a_pin_serves_a_name_where_its_marker_holds(marker: str, expected: str) -> None:
    building = Building(places=(FIRST, SECOND, OWN), pins=(("thing", "own", marker),))
    assert served(building, "thing", {FIRST: "1", SECOND: "2", OWN: "3"}) == [expected]
    assert served(building, "other", {FIRST: "1", SECOND: "2", OWN: "3"}) == ["1"]


def test_find_links_serve_beside_an_index() -> None:
    building = Building(places=(LINKS, FIRST, SECOND))
    assert served(building, "thing", {LINKS: "9", FIRST: "1", SECOND: "2"}) == ["9", "1"]
    assert served(building, "thing", {LINKS: "9", FIRST: "absent", SECOND: "absent"}) == ["9"]


def test_dates() -> None:
    """A file without a time is none that is known to be in time; links have no times that mean anything."""
    before, after = "2023-01-01T00:00:00Z", "2025-01-01T00:00:00Z"
    indexes = {LINKS: "9", FIRST: "1"}
    assert served(Building(places=(LINKS, FIRST), exclude_newer=before), "thing", indexes) == ["9"]
    assert served(Building(places=(LINKS, FIRST), exclude_newer=after), "thing", indexes) == ["9", "1"]
    assert served(Building(places=(LINKS, FIRST), exclude_newer=after), "thing", indexes, time=None) == ["9"]
    own = Building(places=(LINKS, FIRST), exclude_newer=before, exclude_newer_package={"thing": None})
    assert served(own, "thing", indexes) == ["9", "1"]
    for stated, expected in (("", ["1"]), (after, ["1"]), (before, [])):
        place = replace(FIRST, exclude_newer=stated)
        assert served(Building(places=(place,), exclude_newer=before), "thing", {place: "1"}) == expected


def test_nobody_else_reads_it_and_what_is_broken_is_told() -> None:
    def broken(index: str, file: File) -> IO[bytes]:
        raise Broken(f"{file.filename} of {index}: its sha256 hash is not the one that the index promises", "false")

    file = File("thing-1.tar.gz", "https://first.example/1", (("sha256", "0" * 64),), None, None, None, None, None)
    listing = Listing("thing", FIRST.url, (Release("1", None, False, None, False, True, (tuple(file),)),))
    with BuildShelf(Building(places=(FIRST,)), Reading(lambda index, name: listing, broken), "3.12.1") as shelf:
        with urllib.request.urlopen(f"{shelf.url}/thing/") as answer:
            page = answer.read().decode()
        address, _, digest = re.findall(r'href="([^"]*)"', page)[0].partition("#")
        assert digest == "sha256=" + "0" * 64
        host = shelf.url.rpartition("/")[0]
        for path in ("/thing/", "/x/thing/", "/", address.replace("/0/", "/1/"), address.replace("/0/", "/-1/")):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(host + path)
        assert not shelf.failure
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(host + address)
        assert "thing-1.tar.gz of https://first.example/simple: its sha256 hash" in shelf.failure
